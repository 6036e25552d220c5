// SPDX-License-Identifier: MIT
#include "consumer.c" // the same in the other language
