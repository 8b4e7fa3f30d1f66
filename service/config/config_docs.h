/* SPDX-License-Identifier: MIT */
#ifndef SVC_CONFIG_DOCS_H
#define SVC_CONFIG_DOCS_H

#include "service/config/config.h"

/** Appends the documentation page of all options, docs/config.md. */
void svc_config_docs(struct buf *out);
/** Appends one line for each option: name, value in effect, source. */
void svc_config_show(const struct svc_config *c, struct buf *out);
/** Appends the options as flags with their meaning, for the help of a command. */
void svc_config_help(struct buf *out);

#endif
