/* SPDX-License-Identifier: MIT */
#ifndef SVC_COMMAND_H
#define SVC_COMMAND_H

#include "service/commands/command_config.h"
#include "service/process/exit.h"

/** The command line: `ldplayerd COMMAND [flags]`, where a command is one or two words. */

struct svc_command {
    const char *name;     /* "token create" */
    const char *synopsis; /* what may follow it */
    const char *help;     /* a sentence */
    struct svc_args_rule rule;
    enum svc_exit (*run)(const struct svc_args *args);
};

extern const struct svc_command svc_command_table[];
extern const size_t svc_command_count;

/** Finds the command, reads its arguments, runs it. ARGV is that of main. Returns what main
 *  returns. */
enum svc_exit svc_command_run(int argc, char **argv);

/** Appends the overview of all commands. */
void svc_command_overview(struct buf *out);
/** Appends what one command does and takes. */
void svc_command_describe(const struct svc_command *command, struct buf *out);

/* The commands, each in its file. */
enum svc_exit svc_serve_cmd(const struct svc_args *args);
enum svc_exit svc_agent_cmd(const struct svc_args *args);
enum svc_exit svc_token_cmd_create(const struct svc_args *args);
enum svc_exit svc_token_cmd_list(const struct svc_args *args);
enum svc_exit svc_token_cmd_revoke(const struct svc_args *args);
enum svc_exit svc_backup_cmd(const struct svc_args *args);
enum svc_exit svc_restore_cmd(const struct svc_args *args);
enum svc_exit svc_config_cmd_show(const struct svc_args *args);
enum svc_exit svc_config_cmd_check(const struct svc_args *args);
enum svc_exit svc_config_cmd_docs(const struct svc_args *args);
enum svc_exit svc_config_cmd_init(const struct svc_args *args);
enum svc_exit svc_data_cmd_remove(const struct svc_args *args);
enum svc_exit svc_service_cmd_install(const struct svc_args *args);
enum svc_exit svc_service_cmd_uninstall(const struct svc_args *args);
enum svc_exit svc_service_cmd_start(const struct svc_args *args);
enum svc_exit svc_service_cmd_stop(const struct svc_args *args);
enum svc_exit svc_service_cmd_reload(const struct svc_args *args);
enum svc_exit svc_service_cmd_status(const struct svc_args *args);
enum svc_exit svc_service_cmd_run(const struct svc_args *args);
enum svc_exit svc_service_cmd_configure(const struct svc_args *args);
enum svc_exit svc_service_cmd_unconfigure(const struct svc_args *args);

#endif
