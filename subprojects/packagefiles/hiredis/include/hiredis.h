/* SPDX-License-Identifier: MIT */
#include "../hiredis.h"
