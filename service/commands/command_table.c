/* SPDX-License-Identifier: MIT */
#include "service/commands/command.h"

#include <stdio.h>

#include "api/describe/openapi.h"
#include "api/resources/routes.h"
#include "base/memory/cleanup.h"
#include "libraries.h"
#include "version.h"

static const char *const no_flags[] = {NULL};
static const char *const agent_flags[] = {"pipe", "server", NULL};
static const char *const token_flags[] = {"data-dir", "config", NULL};
static const char *const backup_flags[] = {"force?", "data-dir", "config", NULL};
static const char *const restore_flags[] = {"data-dir", "config", NULL};
static const char *const token_create_flags[] = {"name",     "role",   "expires",
                                                 "data-dir", "config", NULL};

static const char *const data_flags[] = {"data-dir", NULL};
static const char *const install_flags[] = {"add-user", NULL};
static const char *const configure_flags[] = {"add-user", "data-dir", "config", "report", NULL};
static const char *const init_flags[] = {"report", NULL};
static const char *const status_flags[] = {"format", NULL};

static enum svc_exit run_help(const struct svc_args *args)
{
    (void)args;
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    svc_command_overview(&out);
    return svc_exit_print(&out);
}

static enum svc_exit run_version(const struct svc_args *args)
{
    (void)args;
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    (void)buf_printf(&out, "ldplayerd %s (%s)\n", LDP_VERSION, LDP_COMMIT);
    return svc_exit_print(&out);
}

static enum svc_exit run_version_libraries(const struct svc_args *args)
{
    (void)args;
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    (void)buf_append_str(&out, LDP_LIBRARIES);
    return svc_exit_print(&out);
}

static enum svc_exit run_routes(const struct svc_args *args)
{
    struct buf nothing = {0};
    (void)args;
    api_routes_print(stdout);
    return svc_exit_print(&nothing);
}

static enum svc_exit run_routes_docs(const struct svc_args *args)
{
    (void)args;
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    api_routes_markdown(&out);
    return svc_exit_print(&out);
}

static enum svc_exit run_routes_openapi(const struct svc_args *args)
{
    (void)args;
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    api_openapi_append(api_routes, api_n_routes, LDP_VERSION, &out);
    return svc_exit_print(&out);
}

const struct svc_command svc_command_table[] = {
    {"serve",
     "[--config FILE] [options]",
     "Runs the service in the foreground until it is told to stop.",
     {no_flags, true, 0, 0},
     svc_serve_cmd},
    {"agent",
     "--pipe NAME --server PID",
     "Runs ldconsole in a user's session for the service, which starts it by itself.",
     {agent_flags, false, 0, 0},
     svc_agent_cmd},
    {"service install",
     "[--data-dir DIR] [--add-user USER] [--config FILE] [options]",
     "Makes ldplayerd a service of Windows that runs with these options.",
     {install_flags, true, 0, 0},
     svc_service_cmd_install},
    {"service uninstall",
     "",
     "Stops the service and takes back what the installation made. The data stays.",
     {no_flags, false, 0, 0},
     svc_service_cmd_uninstall},
    {"service start",
     "",
     "Has Windows start the service and waits until it runs.",
     {no_flags, false, 0, 0},
     svc_service_cmd_start},
    {"service stop",
     "",
     "Has Windows stop the service and waits for its end. Instances go on running.",
     {no_flags, false, 0, 0},
     svc_service_cmd_stop},
    {"service reload",
     "",
     "Has the running service read its configuration again.",
     {no_flags, false, 0, 0},
     svc_service_cmd_reload},
    {"service status",
     "[--format text|json]",
     "Prints whether the service runs and with what.",
     {status_flags, false, 0, 0},
     svc_service_cmd_status},
    {"service run",
     "[--config FILE] [options]",
     "What Windows starts. In a console use serve.",
     {no_flags, true, 0, 0},
     svc_service_cmd_run},
    {"service configure",
     "[--data-dir DIR] [--add-user USER] [--report FILE]",
     "For installers: everything that install does beyond the bare entry of the service.",
     {configure_flags, false, 0, 0},
     svc_service_cmd_configure},
    {"service unconfigure",
     "",
     "For uninstallers: takes back what configure made. The data stays.",
     {no_flags, false, 0, 0},
     svc_service_cmd_unconfigure},
    {"token create",
     "--name NAME --role viewer|operator|admin [--expires 30d] [--data-dir DIR]",
     "Makes an API token and prints it, once.",
     {token_create_flags, false, 0, 0},
     svc_token_cmd_create},
    {"token list",
     "[--data-dir DIR]",
     "Lists the tokens that were made.",
     {token_flags, false, 0, 0},
     svc_token_cmd_list},
    {"token revoke",
     "NAME|ID [--data-dir DIR]",
     "Ends a token for good.",
     {token_flags, false, 1, 1},
     svc_token_cmd_revoke},
    {"backup",
     "FILE [--force] [--data-dir DIR]",
     "Writes a checked copy of ldplayerd's own database to FILE, while the service runs or not.",
     {backup_flags, false, 1, 1},
     svc_backup_cmd},
    {"restore",
     "FILE [--data-dir DIR]",
     "Puts a backup in the place of the database, which is kept; a running service restarts.",
     {restore_flags, false, 1, 1},
     svc_restore_cmd},
    {"routes docs",
     "",
     "Prints the documentation page of all routes.",
     {no_flags, false, 0, 0},
     run_routes_docs},
    {"routes openapi",
     "",
     "Prints the OpenAPI document, as GET /api/openapi.json answers it.",
     {no_flags, false, 0, 0},
     run_routes_openapi},
    {"routes",
     "",
     "Prints the table of everything the API serves.",
     {no_flags, false, 0, 0},
     run_routes},
    {"config show",
     "[--config FILE] [options]",
     "Prints the value of every option and where it comes from.",
     {no_flags, true, 0, 0},
     svc_config_cmd_show},
    {"config check",
     "[--config FILE] [options]",
     "Checks the configuration as a start would, without starting.",
     {no_flags, true, 0, 0},
     svc_config_cmd_check},
    {"config docs",
     "",
     "Prints the documentation page of all options.",
     {no_flags, false, 0, 0},
     svc_config_cmd_docs},
    {"config init",
     "[--data-dir DIR] [--report FILE] [options]",
     "Writes the options given to config.json in the data directory, unless there is one that "
     "somebody has written or changed.",
     {init_flags, true, 0, 0},
     svc_config_cmd_init},
    {"data remove",
     "--data-dir DIR",
     "Removes the database, settings, logs and whatever else ldplayerd keeps in a data directory.",
     {data_flags, false, 0, 0},
     svc_data_cmd_remove},
    {"version --libraries",
     "",
     "Lists the libraries that are built in, and the distribution's patches applied to each.",
     {no_flags, false, 0, 0},
     run_version_libraries},
    {"version", "", "Prints the version.", {no_flags, false, 0, 0}, run_version},
    {"help",
     "[COMMAND]",
     "Prints this overview, or what a command does.",
     {no_flags, false, 0, 0},
     run_help},
};

const size_t svc_command_count = countof(svc_command_table);
