/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_KV_H
#define SIMULATOR_KV_H

#include <stddef.h>
#include <stdint.h>

/* Small files of `key=value` lines, for state that no stranger reads.  Start from {0}. */
struct kv_pair {
    char *key;
    char *value;
};

struct kv {
    struct kv_pair *items;
    size_t n_items;
    size_t capacity;
};

/** Returns 0, or -1 with an empty set when there is no such file. */
int kv_load(const char *path, struct kv *ret_kv);
int kv_save(const char *path, const struct kv *kv);

/** NULL when absent. */
const char *kv_get(const struct kv *kv, const char *key);

/** 0 when absent or no number. */
int64_t kv_get_int(const struct kv *kv, const char *key);

void kv_set(struct kv *kv, const char *key, const char *value);
void kv_set_int(struct kv *kv, const char *key, int64_t value);
void kv_remove(struct kv *kv, const char *key);

#endif
