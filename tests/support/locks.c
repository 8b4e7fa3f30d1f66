/* SPDX-License-Identifier: MIT */
#include "tests/support/locks.h"

#include <uv.h>

const bool has_locks = true;

int uv_mutex_init(uv_mutex_t *mutex)
{
    return -pthread_mutex_init(mutex, NULL);
}

void uv_mutex_destroy(uv_mutex_t *mutex)
{
    pthread_mutex_destroy(mutex);
}

void uv_mutex_lock(uv_mutex_t *mutex)
{
    pthread_mutex_lock(mutex);
}

void uv_mutex_unlock(uv_mutex_t *mutex)
{
    pthread_mutex_unlock(mutex);
}
