/* SPDX-License-Identifier: MIT */
#ifndef LDC_INSTALL_H
#define LDC_INSTALL_H

#include <stdbool.h>

/** One installation of LDPlayer (reference 3.4). Strings are owned. */
struct ldc_install {
    char *dir;        /* folder of ldconsole */
    char *ldconsole;  /* full path; ldconsole.exe or dnconsole.exe */
    char *vms_dir;    /* DataDir of the registry when set, else <dir>/vms */
    char *adb;        /* NULL when there is none beside ldconsole */
    char *ld;         /* NULL when there is none */
    char *version;    /* from the registry, the path or the banner: "9", "14.0.25.1"; NULL unknown */
};

/** Fills RET from the path of an ldconsole (it need not exist: running it will say so). */
void ldc_install_from_path(const char *ldconsole, struct ldc_install *ret);
/** Looks in the registry, then in the places installers use (Windows), or in LDPLAYER_HOME and
 *  PATH elsewhere. Returns 0 with the newest version found, or UV_ENOENT. Blocking. */
int ldc_install_find(struct ldc_install *ret);
void ldc_install_deinit(struct ldc_install *install);
/** The version in a banner ("dnplayer v14.0.25.1 Command Line ..."), owned by the caller, or NULL
 *  when the text is no banner or has none (reference 2.1). */
char *ldc_install_banner_version(const char *text);

#endif
