/* SPDX-License-Identifier: MIT */
#ifndef API_HANDLERS_H
#define API_HANDLERS_H

#include "api/exchange/exchange.h"

/** The code behind the routes; api/resources/routes.c says which is which. */

void api_handle_livez(struct api_exchange *x);
void api_handle_readyz(struct api_exchange *x);
void api_handle_health(struct api_exchange *x);
void api_handle_version(struct api_exchange *x);
void api_handle_info(struct api_exchange *x);
void api_handle_metrics(struct api_exchange *x);
void api_handle_openapi(struct api_exchange *x);
void api_handle_docs(struct api_exchange *x);

void api_handle_instances_list(struct api_exchange *x);
void api_handle_instances_get(struct api_exchange *x);
void api_handle_instances_create(struct api_exchange *x);
void api_handle_instances_change(struct api_exchange *x);
void api_handle_instances_remove(struct api_exchange *x);
void api_handle_instances_start(struct api_exchange *x);
void api_handle_instances_stop(struct api_exchange *x);
void api_handle_instances_restart(struct api_exchange *x);
void api_handle_instances_clone(struct api_exchange *x);
void api_handle_instances_rename(struct api_exchange *x);
void api_handle_instances_batch(struct api_exchange *x);

void api_handle_operations_list(struct api_exchange *x);
void api_handle_operations_get(struct api_exchange *x);
void api_handle_operations_diagnostics(struct api_exchange *x);
void api_handle_operations_cancel(struct api_exchange *x);
void api_handle_operations_prune(struct api_exchange *x);

void api_handle_events(struct api_exchange *x);

void api_handle_chaos_get(struct api_exchange *x);
void api_handle_chaos_put(struct api_exchange *x);
void api_handle_chaos_delete(struct api_exchange *x);
void api_handle_breakers_list(struct api_exchange *x);
void api_handle_breakers_force_open(struct api_exchange *x);
void api_handle_breakers_force_close(struct api_exchange *x);
void api_handle_breakers_disable(struct api_exchange *x);
void api_handle_breakers_reset(struct api_exchange *x);

void api_handle_cache_stats(struct api_exchange *x);
void api_handle_cache_reset_stats(struct api_exchange *x);
void api_handle_cache_entries(struct api_exchange *x);
void api_handle_cache_config(struct api_exchange *x);
void api_handle_cache_configure(struct api_exchange *x);

void api_handle_performance_cache_stats(struct api_exchange *x);
void api_handle_performance_cache_clear(struct api_exchange *x);
void api_handle_performance_cache_invalidate(struct api_exchange *x);
void api_handle_performance_metrics(struct api_exchange *x);

void api_handle_workstations_list(struct api_exchange *x);
void api_handle_workstations_get(struct api_exchange *x);
void api_handle_workstations_create(struct api_exchange *x);
void api_handle_workstations_change(struct api_exchange *x);
void api_handle_workstations_remove(struct api_exchange *x);
void api_handle_workstations_system_info(struct api_exchange *x);
void api_handle_workstations_test(struct api_exchange *x);
void api_handle_workstations_instances(struct api_exchange *x);

void api_handle_backups_list(struct api_exchange *x);
void api_handle_backups_make(struct api_exchange *x);
void api_handle_backups_remove(struct api_exchange *x);
void api_handle_restore(struct api_exchange *x);

void api_handle_tokens_list(struct api_exchange *x);
void api_handle_tokens_create(struct api_exchange *x);
void api_handle_tokens_revoke(struct api_exchange *x);
void api_handle_me(struct api_exchange *x);

#endif
