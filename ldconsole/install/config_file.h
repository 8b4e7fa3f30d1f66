/* SPDX-License-Identifier: MIT */
#ifndef LDC_CONFIG_FILE_H
#define LDC_CONFIG_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory/buf.h"
#include "ldconsole/output/row.h"
#include "ldconsole/verbs/settings.h"

enum { LDC_LOSS_SIZE = 240 };

/** `vms/config/leidian<N>.config` and what identifies the disk beside it (reference 3.1, 3.3).
 *  Reading only happens on a worker thread; a value type. */
struct ldc_config {
    int index;
    bool is_missing;   /* there is no file (any more), and yet its disk */
    bool is_readable;  /* the file exists and its members can be told apart */
    char fault[160];   /* what is wrong with it, e.g. "cannot be parsed, line 7: ..."; "" = nothing.
                        * Of a readable one: a value that we would have used and do not understand */
    bool has_resbak;   /* of one that cannot be used: LDPlayer's own copy lies beside it, as
                        * `<file>.resbak` */
    bool is_truncated; /* realWidth or realHeigh is 0: the sign of a killed player */
    char player_name[LDC_TITLE_SIZE]; /* "" when absent: the default title is in use */
    struct ldc_settings settings;     /* resolution included when the file has it */
    int adb_debug;                    /* -1 absent */
    int is_new_player;                /* it takes itself for a new one: 0, 1, -1 absent */
    bool is_unkept;                   /* it is still to be held against its copy */
    char loss[LDC_LOSS_SIZE]; /* "it was reset (name, cpu)": it was better, and a copy of that
                                 is kept; "" = it was not */
    char disk_id[64];         /* file id and birth time of data.vmdk; "" when there is none */
    int64_t disk_born_ms;     /* wall clock: when data.vmdk was made; 0 = there is none */
    int64_t data_bytes;       /* of data.vmdk; -1 when there is none */
    int64_t disk_bytes;       /* of all its disks; -1 without data.vmdk */
    unsigned n_disks;         /* data.vmdk, system.vmdk and sdcard.vmdk: those that are there */
    unsigned read_only_disks; /* bits by ldc_disk_names; of the others than data.vmdk as of when
                                 they were looked at */
    uint64_t disk_time; /* another one whenever one of them was written to, while they are young */
    int64_t born_ms;    /* wall clock: when this file was made; 0 = there is none */
    uint64_t stamp;     /* changes when the file's time or size changes */
    uint64_t revision;  /* grows whenever anything above may have changed */
};

/** Parses file content as leniently as config_text.h says (unknown keys ignored) into RET, whose
 *  index, members of the disk, stamp and revision stay as they are. Returns 0 or UV_EINVAL
 * (is_readable is then false, and `fault` says why). */
int ldc_config_parse(const char *text, size_t n, struct ldc_config *ret);
/** The same of a file. Blocking. */
void ldc_config_read(const char *path, struct ldc_config *ret);

/** Appends what may be shown of the text of a config file, a member a line, at most about MAX
 * bytes: values of members that are not the vendor's own (other programs keep theirs there,
 * reference 3.1), or that are named as secrets are, are left out, and so is what cannot be parsed.
 */
void ldc_config_show(const char *text, size_t n, size_t max, struct buf *out);

/** Sets one key of the file to a JSON value, wherever it stands, or behind the last one: every
 * other byte stays, also what we do not understand. The write is atomic and the former content is
 * kept as
 *  `<file>.ldplayerd.bak`. Only while the instance is stopped: the player rewrites the file when it
 *  closes. Returns 0 or a UV error; UV_EINVAL when the text cannot be parsed. */
int ldc_config_set(const char *path, const char *key, const char *json_value);

#endif
