/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_PEER_RULE_H
#define FDPASS_PEER_RULE_H

/* Deciding who is admitted. The decision is pure; what it needs to know is gathered around it. */

#include "fdpass.h"

/* What is known about a process when it is judged. Nothing here is owned. */
struct fdpass_identity {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary groups */
	size_t group_count;
	/* The id that stands for all those that have no name in this user namespace: it matches
	 * nothing. (uid_t)-1 and (gid_t)-1, which are no ids, when every id has a name. */
	uid_t unmapped_uid;
	gid_t unmapped_gid;
};

/* 1 when `rule` admits `identity`, else 0. Pure. */
int fdpass_rule_decide(const struct fdpass_rule *rule, const struct fdpass_identity *identity);

/*
 * 1 when `writer`, the process that the SCM_CREDENTIALS of a message name, is admitted, else 0.
 *
 * Those credentials carry no supplementary groups. So `connector`, unless it is NULL, is the other
 * end of the same connection as fdpass_rule_check() admitted it: the same process (pid, uid and gid)
 * is admitted as that was. Whoever is not admitted as the connector has to be turned away by the
 * caller: a writer is judged in addition, never instead.
 */
int fdpass_rule_admits_writer(const struct fdpass_rule *rule, const struct fdpass_peer *writer,
			      const struct fdpass_peer *connector);

#endif
