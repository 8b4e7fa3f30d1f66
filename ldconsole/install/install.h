/* SPDX-License-Identifier: MIT */
#ifndef LDC_INSTALL_H
#define LDC_INSTALL_H

#include <stdbool.h>

/** One installation of LDPlayer (reference 3.4). Strings are owned. */
struct ldc_install {
    char *dir;       /* folder of ldconsole */
    char *ldconsole; /* full path; ldconsole.exe, dnconsole.exe or lsconsole.exe */
    char *vms_dir;   /* DataDir of the registry when set, else <dir>/vms */
    char *adb;       /* NULL when there is none beside ldconsole */
    char *ld;        /* NULL when there is none */
    bool is_missing; /* nothing was found: ldconsole is a path that leads nowhere */
    char *version;   /* from the registry, the path or the banner: "9", "14.0.25.1"; NULL unknown */
};

/** Fills RET from the path of an ldconsole (it need not exist: running it will say so). The folder
 *  is made canonical, so that it can be compared with paths of processes. Blocking. */
void ldc_install_from_path(const char *ldconsole, struct ldc_install *ret);
/** What PATH of a configuration means. It may also name the folder of an ldconsole or something
 *  beside one (dnplayer.exe, adb.exe), which then is meant: RET_IS_OTHER. An ldconsole that is not
 *  there may come. Returns 0, or UV_EINVAL (RET is empty) when it is another program and no
 *  ldconsole is beside it. Blocking. */
int ldc_install_from_option(const char *path, struct ldc_install *ret, bool *ret_is_other);
/** Looks in the registry, then in the places installers use (Windows), or in LDPLAYER_HOME and
 *  PATH elsewhere. Returns 0 with the newest version found, or UV_ENOENT. Blocking. */
int ldc_install_find(struct ldc_install *ret);
void ldc_install_deinit(struct ldc_install *install);
void ldc_install_copy(const struct ldc_install *from, struct ldc_install *ret);
/** The version in a banner ("dnplayer v14.0.25.1 Command Line ..."), owned by the caller, or NULL
 *  when the text is no banner or has none (reference 2.1). */
char *ldc_install_banner_version(const char *text);

/** What the installed ldconsole can do. Versions differ (reference 1.9), flags that a version does
 *  not know are ignored without a word, and only its usage text lists which it knows. */
struct ldc_abilities {
    bool is_known;    /* the usage text was read */
    char version[32]; /* of the banner; "" where the banner has none */
    bool has_root;    /* modify knows --root */
    bool has_window;  /* launch knows --mini and --hide, which came with --root; the texts that are
                         known do not list them */
};

/** Whether the version is known (by its banner or else its folder) and older than 9: it has fixed
 *  lists of cores and memory, while later ones have got longer (reference 11). */
bool ldc_install_is_old(const struct ldc_install *install, const struct ldc_abilities *abilities);

/** Reads the usage text as it was printed. RET stays unknown when TEXT is none. */
void ldc_install_read_abilities(const char *text, struct ldc_abilities *ret);

/** For the platform files. */

/** As ldc_install_from_path for the ldconsole, dnconsole or lsconsole in DIR. Returns false when it
 *  holds none. */
bool ldc_install_from_dir(const char *dir, struct ldc_install *ret);
/** Uses DATA_DIR, as the registry has it, for the vms folder when instances are kept there. */
void ldc_install_set_data_dir(struct ldc_install *install, const char *data_dir);
/** Keeps the newer of BEST (all NULL when there is none yet) and CANDIDATE in BEST and releases
 *  the other; the first found wins between equals. */
void ldc_install_keep_newer(struct ldc_install *best, struct ldc_install *candidate);

#endif
