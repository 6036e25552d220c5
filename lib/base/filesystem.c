/* SPDX-License-Identifier: MIT */
/* Kinds of file systems. */
#include "base/filesystem.h"

/* linux/magic.h has most of them, but not all, nor everywhere. */
int fdpass_filesystem_is_remote(const struct statfs *system)
{
	switch ((unsigned long)system->f_type & 0xffffffff) {
	case 0x6969:     /* NFS */
	case 0x517b:     /* SMB */
	case 0xff534d42: /* CIFS */
	case 0xfe534d42: /* SMB2 */
	case 0x65735546: /* FUSE */
	case 0x01021997: /* 9P */
	case 0x00c36400: /* Ceph */
	case 0x5346414f: /* AFS */
		return 1;
	default:
		return 0;
	}
}
