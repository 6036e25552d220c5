/* SPDX-License-Identifier: MIT */
/* The rule that says who is admitted: kept, decided, and applied to a connection or a message. */
#include "peer/rule.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "peer/idmap.h"
#include "peer/peer.h"

/* uid_t and gid_t are both this on Linux; (uid_t)-1 and (gid_t)-1 are no ids. */
#define NO_ID ((uid_t)-1)

struct ids {
	uid_t *items;
	size_t count;
	size_t room;
};

struct fdpass_rule {
	uid_t own;      /* our effective uid when the rule was made */
	int is_default; /* nobody was named yet: `own` and root */
	int anyone;
	struct ids users;
	struct ids groups;
	/* What the kernel shows for ids without a name: a setting of the whole machine, looked up once
	 * so that a check costs no file. Whether there are such ids is looked up when one comes. */
	uid_t overflow_uid;
	gid_t overflow_gid; /* when `groups` has any */
};

static int ids_contain(const struct ids *ids, uid_t id)
{
	size_t i;

	for (i = 0; i < ids->count; i++)
		if (ids->items[i] == id)
			return 1;
	return 0;
}

static int ids_add(struct ids *ids, uid_t id)
{
	if (ids_contain(ids, id))
		return 0;
	if (ids->count == ids->room) {
		size_t room = ids->room > 0 ? 2 * ids->room : 4;
		uid_t *items;

		if (room > SIZE_MAX / sizeof(*items))
			return -ENOMEM;
		items = realloc(ids->items, room * sizeof(*items));
		if (items == NULL)
			return -ENOMEM;
		ids->items = items;
		ids->room = room;
	}
	ids->items[ids->count++] = id;
	return 0;
}

int fdpass_rule_new(struct fdpass_rule **ret_rule)
{
	struct fdpass_rule *rule = calloc(1, sizeof(*rule));

	if (rule == NULL)
		return -ENOMEM;
	rule->own = geteuid();
	rule->is_default = 1;
	rule->overflow_uid = fdpass_idmap_overflow(FDPASS_IDMAP_USERS);
	*ret_rule = rule;
	return 0;
}

struct fdpass_rule *fdpass_rule_free(struct fdpass_rule *rule)
{
	if (rule != NULL) {
		free(rule->users.items);
		free(rule->groups.items);
		free(rule);
	}
	return NULL;
}

static int admit(struct fdpass_rule *rule, struct ids *ids, uid_t id)
{
	int r;

	if (id == NO_ID)
		return -EINVAL;
	r = ids_add(ids, id);
	if (r < 0)
		return r;
	rule->is_default = 0;
	return 0;
}

int fdpass_rule_admit_user(struct fdpass_rule *rule, uid_t uid)
{
	return admit(rule, &rule->users, uid);
}

int fdpass_rule_admit_group(struct fdpass_rule *rule, gid_t gid)
{
	if (rule->groups.count == 0)
		rule->overflow_gid = fdpass_idmap_overflow(FDPASS_IDMAP_GROUPS);
	return admit(rule, &rule->groups, gid);
}

int fdpass_rule_admit_anyone(struct fdpass_rule *rule)
{
	rule->anyone = 1;
	rule->is_default = 0;
	return 0;
}

int fdpass_rule_admits_others(const struct fdpass_rule *rule)
{
	size_t i;

	if (rule->anyone || rule->groups.count > 0)
		return 1;
	for (i = 0; i < rule->users.count; i++)
		if (rule->users.items[i] != rule->own && rule->users.items[i] != 0)
			return 1;
	return 0;
}

static int admits_uid(const struct fdpass_rule *rule, const struct fdpass_identity *identity)
{
	uid_t uid = identity->uid;

	if (uid == NO_ID || uid == identity->unmapped_uid)
		return 0;
	if (rule->is_default)
		return uid == rule->own || uid == 0;
	return ids_contain(&rule->users, uid);
}

static int admits_gid(const struct fdpass_rule *rule, gid_t gid, gid_t unmapped)
{
	return gid != NO_ID && gid != unmapped && ids_contain(&rule->groups, gid);
}

int fdpass_rule_decide(const struct fdpass_rule *rule, const struct fdpass_identity *identity)
{
	size_t i;

	if (rule->anyone || admits_uid(rule, identity) ||
	    admits_gid(rule, identity->gid, identity->unmapped_gid))
		return 1;
	for (i = 0; i < identity->group_count; i++)
		if (admits_gid(rule, identity->groups[i], identity->unmapped_gid))
			return 1;
	return 0;
}

static int has_gid(const struct fdpass_identity *identity, gid_t gid)
{
	size_t i;

	if (identity->gid == gid)
		return 1;
	for (i = 0; i < identity->group_count; i++)
		if (identity->groups[i] == gid)
			return 1;
	return 0;
}

/* Takes the admission away that goes by an overflow id where ids without a name can exist. 0, or a negative errno. */
static int unmap(uid_t overflow, enum fdpass_idmap_kind kind, uid_t *ret_unmapped)
{
	int whole = fdpass_idmap_covers_all(kind);

	if (whole == 0)
		*ret_unmapped = overflow;
	return whole < 0 ? whole : 0;
}

/*
 * Decides, and finds out what it takes. Ids without a name can only take an admission away, so the
 * refused, and all who do not go by an overflow id, never cost a look into a file. 1, 0 or a negative errno.
 */
static int judge(const struct fdpass_rule *rule, struct fdpass_identity *identity)
{
	int r = 0;

	identity->unmapped_uid = NO_ID;
	identity->unmapped_gid = NO_ID;
	if (!fdpass_rule_decide(rule, identity))
		return 0;
	if (rule->anyone)
		return 1;
	if (identity->uid == rule->overflow_uid)
		r = unmap(rule->overflow_uid, FDPASS_IDMAP_USERS, &identity->unmapped_uid);
	if (r == 0 && rule->groups.count > 0 && has_gid(identity, rule->overflow_gid))
		r = unmap(rule->overflow_gid, FDPASS_IDMAP_GROUPS, &identity->unmapped_gid);
	return r < 0 ? r : fdpass_rule_decide(rule, identity);
}

int fdpass_rule_check(const struct fdpass_rule *rule, int fd, struct fdpass_peer *ret_peer)
{
	struct fdpass_identity identity = {0};
	struct fdpass_peer peer;
	gid_t *groups = NULL;
	int r;

	r = fdpass_peer_get(fd, &peer);
	if (r < 0)
		return r;
	identity.uid = peer.uid;
	identity.gid = peer.gid;
	r = judge(rule, &identity);
	if (r == 0 && rule->groups.count > 0) {
		r = fdpass_peer_groups(fd, &groups, &identity.group_count);
		if (r < 0)
			return r;
		identity.groups = groups;
		r = judge(rule, &identity);
		free(groups);
	}
	if (ret_peer != NULL)
		*ret_peer = peer;
	return r;
}

int fdpass_rule_admits_writer(const struct fdpass_rule *rule, const struct fdpass_peer *writer,
			      const struct fdpass_peer *connector)
{
	struct fdpass_identity identity = {0};

	identity.uid = writer->uid;
	identity.gid = writer->gid;
	if (judge(rule, &identity) > 0)
		return 1;
	/* Processes that are not visible from here all have the pid 0: that proves no identity. */
	return connector != NULL && connector->pid > 0 && writer->pid == connector->pid &&
	       writer->uid == connector->uid && writer->gid == connector->gid;
}
