# SPDX-License-Identifier: MIT
"""Each check of this folder passes what is right and reports what is not: a check that cannot fail
proves nothing."""

import subprocess

import pytest

import exports
import format as formatting
import header
import layers
import links
import listed
import manual
import pages
import purity
import scripts
import sources
import versions
import wrapped

SPDX = "/* SPDX-License-Identifier: MIT */\n"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def only(findings, *words):
    """There is one finding, and it says all of `words`."""
    assert len(findings) == 1, findings
    for word in words:
        assert word in findings[0]


# ---------------------------------------------------------------------------------------- layers

@pytest.fixture
def tree(tmp_path):
    for folder in layers.LIBRARY:
        write(tmp_path / "lib" / folder / "noun.h", SPDX)
    write(tmp_path / "include/fdpass.h", "#include <stdint.h>\n")
    write(tmp_path / "cli/list.h", SPDX)
    write(tmp_path / "tools/fdsend/request.h", SPDX)
    write(tmp_path / "tools/fdrecv/request.h", SPDX)
    return tmp_path


def layer_findings(tree, path, *names):
    write(tree / path, "".join(f"#include {name}\n" for name in names))
    return layers.check(tree)[1]


@pytest.mark.parametrize("path, names", [
    ("lib/wire/frame.c", ['"wire/noun.h"', '"base/noun.h"', '"fdpass.h"', "<errno.h>"]),
    ("lib/rendezvous/dialer.c", ['"peer/noun.h"', '"base/noun.h"']),
    ("lib/handover/send.c", ['"wire/noun.h"', '"peer/noun.h"', '"rendezvous/noun.h"']),
    ("cli/list.c", ['"cli/list.h"', '"fdpass.h"']),
    ("tools/fdsend/main.c", ['"cli/list.h"', '"fdpass.h"', '"tools/fdsend/request.h"', "<unistd.h>"]),
])
def test_layers_allows(tree, path, names):
    assert layer_findings(tree, path, *names) == []


@pytest.mark.parametrize("path, name", [
    ("lib/base/fd.c", '"wire/noun.h"'),         # higher
    ("lib/base/fd.c", '"handover/noun.h"'),
    ("lib/wire/frame.c", '"peer/noun.h"'),      # sibling
    ("lib/peer/rule.c", '"wire/noun.h"'),
    ("lib/wire/frame.c", '"rendezvous/noun.h"'),
    ("lib/rendezvous/dialer.c", '"wire/noun.h"'),
    ("lib/rendezvous/dialer.c", '"place/noun.h"'),
    ("lib/place/plan.c", '"peer/noun.h"'),
    ("lib/handover/send.c", '"place/noun.h"'),
    ("lib/wire/frame.c", '"../peer/noun.h"'),   # around the corner
    ("lib/wire/frame.c", '"noun.h"'),
    ("lib/wire/frame.c", "<peer/noun.h>"),
    ("lib/wire/frame.c", '"base/missing.h"'),
    ("lib/wire/frame.c", '"cli/list.h"'),       # upside down
    ("cli/list.c", '"base/noun.h"'),            # programs inside the library
    ("cli/list.c", '"list.h"'),
    ("cli/list.c", '"tools/fdsend/request.h"'),
    ("tools/fdsend/main.c", '"lib/base/noun.h"'),
    ("tools/fdsend/main.c", '"../../lib/base/noun.h"'),
    ("tools/fdsend/main.c", '"tools/fdrecv/request.h"'),
    ("tools/fdsend/main.c", "<base/noun.h>"),
    ("tools/fdsend/main.c", "<lib/base/noun.h>"),
    ("include/fdpass.h", '"base/noun.h"'),
])
def test_layers_reports(tree, path, name):
    only(layer_findings(tree, path, name), path + ":1", name.strip('<>"'))


@pytest.mark.parametrize("path", ["lib/loose.c", "lib/misc/noun.c", "lib/base/deep/noun.c"])
def test_layers_reports_a_file_outside_every_layer(tree, path):
    write(tree / path, SPDX)
    only(layers.check(tree)[1], path)


# ----------------------------------------------------------------------------------------- purity

def archive(folder, name, text):
    source = write(folder / f"{name}.c", text)
    compiled = folder / f"base_{name}.c.o"
    subprocess.run(["cc", "-O1", "-fPIC", "-c", source, "-o", compiled], check=True)
    made = folder / f"lib{name}.a"
    subprocess.run(["ar", "rcs", made, compiled], check=True)
    return str(made)


def test_purity_allows(tmp_path):
    made = archive(tmp_path, "good", """
        #include <stdio.h>
        #include <unistd.h>
        static const char *const words[] = {"a", "b"};
        static int helper(void) { return getpid(); }
        const char *fdpass_word(int i);
        const char *fdpass_word(int i) { return words[i & 1]; }
        int fdpass_text(char *to);
        int fdpass_text(char *to) { return snprintf(to, 9, "%d", helper()); }
    """)
    assert purity.check(made) == (1, [])


@pytest.mark.parametrize("body, word", [
    ('printf("%d\\n", getpid());', "prints"),
    ('fprintf(stderr, "x%d", getpid());', "prints"),
    ('perror("x");', "prints"),
    ('syslog(1, "x");', "prints"),
    ("if (write(2, \"x\", 1)) return;", "prints"),
    ("exit(1);", "ends the process"),
    ("_exit(1);", "ends the process"),
    ("abort();", "ends the process"),
    ("err(1, \"x\");", "ends the process"),
    ("assert(getpid() == 1);", "ends the process"),
    ("usleep(1);", "sleeps"),
    ("sleep(1);", "sleeps"),
    ("struct timespec t = {0, 1}; nanosleep(&t, 0);", "sleeps"),
    ("signal(1, SIG_IGN);", "touches signals"),
    ("sigaction(1, 0, 0);", "touches signals"),
    ("sigprocmask(0, 0, 0);", "touches signals"),
    ("signalfd(-1, 0, 0);", "touches signals"),
    ("struct rlimit r = {1, 1}; setrlimit(RLIMIT_NOFILE, &r);", "changes the process"),
    ("if (chdir(\"/\")) return;", "changes the process"),
    ("umask(0);", "changes the process"),
    ("setenv(\"A\", \"b\", 1);", "changes the process"),
    ("if (dup2(1, 2) < 0) return;", "changes the process"),
    ("if (fork() < 0) return;", "starts processes"),
    ("static int count; count += getpid(); if (count == 7) getppid();", "mutable variable"),
    ("static int count = 3; count += getpid(); if (count == 7) getppid();", "mutable variable"),
    ("static _Thread_local int count; count += getpid(); if (count == 7) getppid();", "mutable"),
])
def test_purity_reports(tmp_path, body, word):
    text = f"""
        #define _GNU_SOURCE
        #include <assert.h>
        #include <err.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <sys/resource.h>
        #include <sys/signalfd.h>
        #include <sys/stat.h>
        #include <syslog.h>
        #include <time.h>
        #include <unistd.h>
        void fdpass_bad(void);
        void fdpass_bad(void) {{ {body} }}
    """
    findings = purity.check(archive(tmp_path, "bad", text))[1]
    assert findings and all("bad.c.o" in finding for finding in findings)
    assert any(word in finding for finding in findings), findings


def test_purity_reports_a_global_without_the_prefix(tmp_path):
    only(purity.check(archive(tmp_path, "bad", "int helper(void); int helper(void) { return 1; }"))[1],
         "helper", "does not begin with fdpass_")


def test_purity_reports_a_common_symbol(tmp_path):
    source = write(tmp_path / "c.c", "int fdpass_count;\n")
    subprocess.run(["cc", "-fcommon", "-c", source, "-o", tmp_path / "c.c.o"], check=True)
    subprocess.run(["ar", "rcs", tmp_path / "c.a", tmp_path / "c.c.o"], check=True)
    only(purity.check(str(tmp_path / "c.a"))[1], "fdpass_count", "mutable")


# ---------------------------------------------------------------------------------------- exports

def shared(folder, declarations, script, code):
    declared = write(folder / "fdpass.h", declarations)
    symbols = write(folder / "fdpass.sym", script)
    source = write(folder / "code.c", code)
    made = folder / "libfdpass.so"
    subprocess.run(["cc", "-shared", "-fPIC", f"-Wl,--version-script,{symbols}", source, "-o", made],
                   check=True)
    return exports.check(declared, symbols, str(made))


SCRIPT = "/* a comment with fdpass_zero; */ FDPASS_0.1 { global: fdpass_one; fdpass_two; local: *; };"
CODE = "void fdpass_one(void) {} void fdpass_two(void) {} void fdpass_inside(void) {}"
DECLARED = """
/* fdpass_zero() is mentioned; */
#define FDPASS_CALL(x) fdpass_called(x);
struct fdpass_thing;
typedef void (*fdpass_callback)(void *context,
                                int event);
void fdpass_one(void);
struct fdpass_thing *fdpass_two(const struct fdpass_thing *thing,
                                fdpass_callback callback);
"""


def test_exports_allows(tmp_path):
    assert shared(tmp_path, DECLARED, SCRIPT, CODE) == (2, [])


def test_exports_reports_what_is_not_listed(tmp_path):
    findings = shared(tmp_path, DECLARED, SCRIPT.replace("fdpass_two;", ""), CODE)[1]
    assert findings == ["fdpass_two: not listed in fdpass.sym",
                        "fdpass_two: not exported by the shared library"]


def test_exports_reports_what_is_not_declared(tmp_path):
    only(shared(tmp_path, "void fdpass_one(void);", SCRIPT, CODE)[1], "fdpass_two", "not declared")


def test_exports_reports_what_is_not_there(tmp_path):
    only(shared(tmp_path, DECLARED, SCRIPT, "void fdpass_one(void) {}")[1], "fdpass_two", "not exported")


def test_exports_reports_what_slipped_out(tmp_path):
    findings = shared(tmp_path, DECLARED, SCRIPT.replace("local: *;", ""), CODE)[1]
    assert findings == ["fdpass_inside: not declared in fdpass.h",
                        "fdpass_inside: not listed in fdpass.sym"]


def test_exports_reports_a_symbol_without_a_version(tmp_path):
    script = "{ global: fdpass_one; fdpass_two; local: *; };"
    findings = shared(tmp_path, DECLARED, script, CODE)[1]
    assert any("not listed" in finding for finding in findings)


# ---------------------------------------------------------------------------------------- sources

def test_sources_allows(tmp_path):
    write(tmp_path / "lib/base/fd.c", SPDX + "int x;\n" * (sources.LINES_MAX - 1))
    write(tmp_path / "ci/run", "#!/bin/sh\n# SPDX-License-Identifier: MIT\n")
    write(tmp_path / "README.md", "No licence line is needed here.\n")
    write(tmp_path / "build/noise.c", "TO" "DO\n")
    assert sources.check(tmp_path) == (3, [])


@pytest.mark.parametrize("path", ["lib/base/fd.c", "tools/x.h", "tests/program/test_x.py", "Makefile",
                                  "lib/meson.build", "man/x.1", "lib/x.sym"])
def test_sources_reports_a_missing_licence(tmp_path, path):
    write(tmp_path / path, "nothing\n")
    only(sources.check(tmp_path)[1], path, "SPDX")


def test_sources_reports_a_script_without_a_licence(tmp_path):
    write(tmp_path / "ci/run", "#!/bin/sh\n")
    only(sources.check(tmp_path)[1], "ci/run", "SPDX")


@pytest.mark.parametrize("note", ["TO" "DO", "FIX" "ME", "XX" "X"])
def test_sources_reports_a_note_to_self(tmp_path, note):
    write(tmp_path / "docs/a.md", f"fine\n/* {note}: later */\n")
    only(sources.check(tmp_path)[1], "docs/a.md:2", note)


@pytest.mark.parametrize("folder", ["lib/base", "cli", "tools"])
def test_sources_reports_a_long_file(tmp_path, folder):
    write(tmp_path / folder / "long.c", SPDX + "\n" * sources.LINES_MAX)
    only(sources.check(tmp_path)[1], f"{folder}/long.c", str(sources.LINES_MAX + 1))


# ----------------------------------------------------------------------------------------- listed

def test_listed(tmp_path):
    write(tmp_path / "lib/meson.build", "s = ['base/fd.c', # 'base/set.c',\n]\n")
    write(tmp_path / "tools/meson.build", "files('fdsend/main.c')\n")
    write(tmp_path / "tests/unit/meson.build", "unit_tests = ['fd', 'support.c']\n")
    write(tmp_path / "lib/base/fd.c", SPDX)
    write(tmp_path / "tools/fdsend/main.c", SPDX)
    write(tmp_path / "tests/unit/test-fd.c", SPDX)
    write(tmp_path / "tests/unit/support.c", SPDX)
    assert listed.check(tmp_path) == (4, [])
    write(tmp_path / "lib/base/set.c", SPDX)
    write(tmp_path / "tests/unit/test-set.c", SPDX)
    write(tmp_path / "man/fdsend.1", SPDX)
    assert [finding.split(":")[0] for finding in listed.check(tmp_path)[1]] \
        == ["lib/base/set.c", "tests/unit/test-set.c", "man/fdsend.1"]


# ------------------------------------------------------------------------------- header and tools

def test_header_allows(tmp_path):
    path = write(tmp_path / "a.h", "#ifndef A_H\n#define A_H\nstruct fdpass_wait { int fd; };\n"
                 "#define FDPASS_WAIT_INIT { -1 }\n#endif\n")
    assert header.check(path)[1] == []


@pytest.mark.parametrize("text, word", [
    ("int f();\nuint8_t g(void);\n", "uint8_t"),                       # needs another header first
    ("struct s { int new; };\n", "c++"),                               # a word of C++
    ("struct s { int x; };\n", "redefinition"),                        # no guard
    ("#ifndef A\n#define A\nstruct fdpass_a { int x, y; };\n#define FDPASS_A_INIT {1}\n#endif\n",
     "missing"),                                                       # an incomplete initialiser
])
def test_header_reports(tmp_path, text, word):
    findings = header.check(write(tmp_path / "a.h", text))[1]
    assert any(word in finding for finding in findings), findings


def test_format(tmp_path):
    write(tmp_path / ".clang-format", "BasedOnStyle: LLVM\n")
    path = write(tmp_path / "a.c", "int x;\n")
    assert formatting.check("clang-format", tmp_path) == (1, [])
    path.write_text("int   x ;\n")
    only(formatting.check("clang-format", tmp_path)[1], "a.c:1")


def test_scripts(tmp_path):
    path = write(tmp_path / "run", "#!/bin/sh\necho \"$1\"\n")
    write(tmp_path / "other", "#!/usr/bin/env python3\nprint(1)\n")
    assert scripts.check("shellcheck", tmp_path) == (1, [])
    path.write_text("#!/usr/bin/env bash\ncat $1\n")
    only(scripts.check("shellcheck", tmp_path)[1], "run:2", "SC2086")


def test_pages(tmp_path):
    page = ".Dd $Mdocdate: August 1 2026 $\n.Dt X 1\n.Os\n.Sh NAME\n.Nm x\n.Nd a thing\n"
    path = write(tmp_path / "x.1", page)
    assert pages.check("mandoc", tmp_path) == (1, [])
    path.write_text(page + ".Sh NONSENSE\n.Bogus x\n")
    assert any("Bogus" in finding for finding in pages.check("mandoc", tmp_path)[1])


@pytest.mark.parametrize("text, words", [
    (".Ss An answer\nIt is one.\n", ["An is a macro", "Ss An answer"]),
    (".Bl -tag -width Ds\n.It In a script\nIt is one.\n.El\n", ["In is a macro"]),
    ("-\n.Er EBADF\n:: It is closed.\n", ["a list that is none", ":: It is"]),
    ("- [\n.Er EBADF\n] , it is closed.\n", ["a list that is none"]),
    (".Bl -tag -width Ds\n.It Ql one , Ql two\nNumbers.\n.El\n", ["within itself"]),
    ("It takes a\n.Fa error .\n", ["before a vowel"]),
])
def test_pages_reports_markup_and_text(tmp_path, text, words):
    page = ".Dd $Mdocdate: August 1 2026 $\n.Dt X 1\n.Os\n.Sh NAME\n.Nm x\n.Nd a thing\n.Sh DESCRIPTION\n"
    fine = ".Ss \\&An answer\nSee a - b, x::y and an error.\n.Bd -literal\na list :: of its own\n.Ed\n"
    path = write(tmp_path / "x.1", page + fine)
    assert pages.check("mandoc", tmp_path) == (1, [])
    path.write_text(page + text)
    only(pages.check("mandoc", tmp_path)[1], "x.1", *words)


# -------------------------------------------------------------------------------------- versions

def versioned(tmp_path, changed=None, text=None):
    files = {
        "meson.build": "project('x', 'c',\n  version: '1.2.3',\n",
        "include/fdpass.h": '#define FDPASS_VERSION "1.2.3"\n',
        "NEWS": "fdpass 1.2.3 (2026-01-02)\n",
        "packaging/debian/control": "Source: fdpass\nMaintainer: A B <a@b>\n",
        "packaging/debian/changelog": "fdpass (1.2.3) unstable; urgency=medium\n\n -- A B <a@b>  Wed, 25 Nov\n",
        "packaging/fdpass.spec": "Name: fdpass\nVersion:  1.2.3\n* Wed Nov 25 2026 A B <a@b> - 1.2.3-1\n",
        "packaging/APKBUILD": "# Maintainer: A B <a@b>\npkgname=fdpass\npkgver=1.2.3\n",
        "SECURITY.md": "# Security\n\nContact: A B <a@b>\n",
    }
    for name, content in files.items():
        write(tmp_path / name, content.replace(*text) if name == changed else content)
    return versions.check(tmp_path)[1]


def test_versions_allows(tmp_path):
    assert versioned(tmp_path) == []


@pytest.mark.parametrize("name, text", [
    ("NEWS", ("1.2.3", "1.2.2")),
    ("NEWS", ("2026-01-02", "unreleased")),
    ("packaging/debian/changelog", ("1.2.3", "1.2.3-1")),
    ("packaging/fdpass.spec", ("1.2.3\n", "1.2\n")),
    ("packaging/APKBUILD", ("pkgver=1.2.3\n", "")),
    ("include/fdpass.h", ("1.2.3", "1.2.4")),
    ("packaging/debian/control", ("Maintainer", "Uploaders")),
    ("packaging/debian/changelog", ("A B", "B A")),
    ("packaging/fdpass.spec", ("a@b", "b@a")),
    ("packaging/APKBUILD", ("# Maintainer", "# Contributor")),
    ("SECURITY.md", ("A B", "B A")),
    ("SECURITY.md", ("Contact: ", "Ask ")),
])
def test_versions_reports(tmp_path, name, text):
    only(versioned(tmp_path, name, text), name)


# ----------------------------------------------------------------------------------------- links

def test_links(tmp_path):
    write(tmp_path / "docs/a.md", "# One, two & 3-4\n[there](#one-two--3-4) [file](../LICENSE) [site](https://x/y)\n")
    write(tmp_path / "LICENSE", "\n")
    page = write(tmp_path / "README.md", "[a](docs/a.md) [b](docs/a.md#one-two--3-4)\n")
    assert links.check(tmp_path) == (4, [])
    page.write_text("\n[a](docs/b.md)\n")
    only(links.check(tmp_path)[1], "README.md:2", "docs/b.md")
    page.write_text("[a](docs/a.md#two)\n")
    only(links.check(tmp_path)[1], "README.md:1", "docs/a.md#two")


# ---------------------------------------------------------------------------------------- manual

HEADER = """/* int fdpass_not(void); */
struct fdpass_thing {
	int a; /* one */
};
#define FDPASS_H
#define FDPASS_THING_MAX 3
enum fdpass_color {
	FDPASS_COLOR_RED = 0, /* as FDPASS_COLOR_BLUE was */
};
typedef void (*fdpass_told)(int a);
int fdpass_thing_do(const struct fdpass_thing *thing, void (*tell)(int a, int b));
void fdpass_thing_undo(void);
"""

PAGE = """.Dt FDPASS_THING 3
.Sh NAME
.Nm fdpass_thing ,
.Nm fdpass_thing_do ,
.Nm fdpass_thing_undo
.Nd things
.Sh LIBRARY
.Sh SYNOPSIS
.Ft int
.Fo fdpass_thing_do
.Fa "const struct fdpass_thing *thing"
.Fa "void (*tell)(int a, int b)"
.Fc
.Ft void
.Fo fdpass_thing_undo
.Fa "void"
.Fc
.Sh DESCRIPTION
.Bd -literal
struct fdpass_thing {
        int a; /* one */
};
.Ed
.Bd -literal
typedef void (*fdpass_told)(int a);
.Ed
.Dv FDPASS_THING_MAX
.Vt enum fdpass_color
.Dv FDPASS_COLOR_RED
.Sh RETURN VALUES
.Sh EXAMPLES
.Sh SEE ALSO
.Xr fdpass_thing 3
"""


def manual_findings(tmp_path, page, header=HEADER):
    write(tmp_path / "fdpass.h", header)
    write(tmp_path / "man/fdpass_thing.3", page)
    return manual.check(tmp_path / "fdpass.h", tmp_path / "man")[2]


def test_manual_that_says_the_same(tmp_path):
    assert manual_findings(tmp_path, PAGE) == []


@pytest.mark.parametrize("old, new, words", [
    (".Nm fdpass_thing_do ,\n", "", ["fdpass_thing_do", "not in the NAME"]),
    (".Nm fdpass_thing ,\n", "", ["first name"]),
    (".Fa \"void (*tell)(int a, int b)\"\n", "", ["fdpass_thing_do", "not declared like that"]),
    (".Ft void", ".Ft int", ["fdpass_thing_undo", "not declared like that"]),
    ("        int a; /* one */", "        int b; /* one */", ["struct fdpass_thing", "not so"]),
    (".Sh EXAMPLES\n", "", ["sections"]),
    (".Xr fdpass_thing 3", ".Xr fdpass_other 3", ["fdpass_other(3)"]),
    (".Dv FDPASS_THING_MAX\n", "", ["FDPASS_THING_MAX", "on no page"]),
    (".Dv FDPASS_COLOR_RED\n", "", ["FDPASS_COLOR_RED", "on no page"]),
    (".Vt enum fdpass_color\n", "", ["fdpass_color", "on no page"]),
    (".Dv FDPASS_COLOR_RED", ".Dv FDPASS_COLOR_RED or COLOR_RED", ["short for FDPASS_COLOR_RED"]),
    ("(*fdpass_told)(int a)", "(*fdpass_told)(int b)", ["fdpass_told", "not so"]),
    ("typedef void (*fdpass_told)(int a);", "fdpass_told", ["(*fdpass_told)", "no page shows"]),
    ("struct fdpass_thing {", "fdpass_thing {", ["struct fdpass_thing", "no page shows"]),
])
def test_manual_that_does_not(tmp_path, old, new, words):
    assert old in PAGE
    findings = manual_findings(tmp_path, PAGE.replace(old, new))
    assert any(all(word in finding for word in words) for finding in findings), findings


def test_manual_that_lacks_a_function(tmp_path):
    only(manual_findings(tmp_path, PAGE, HEADER + "int fdpass_new(void);\n"), "fdpass_new", "no page")


def test_manual_that_has_what_is_none(tmp_path):
    only(manual_findings(tmp_path, PAGE + ".Dv FDPASS_NOTHING\n"), "FDPASS_NOTHING", "not in the header")


def test_manual_tells_the_words_of_errors(tmp_path):
    wording = write(tmp_path / "wording.c", """\t{FDPASS_STEP_WAIT, 0, "sent", "it was sent"},
\t{FDPASS_STEP_WAIT, 0, "old", "it is old"},
\t{FDPASS_STEP_PEER, EPERM, NULL, "it is not admitted"},
""")
    page = write(tmp_path / "man/fdpass_thing.3", ".It Ql sent\nIt was sent.\nIt is old\n.Ql ( old ) .\n")
    assert manual.check_words(wording, tmp_path / "man") == (2, [])
    page.write_text(".It Ql sent\nIt was sent.\nIt is old.\n")
    only(manual.check_words(wording, tmp_path / "man")[1], "old")


@pytest.mark.parametrize("name, sections", manual.AT_LEAST.items())
def test_sections_of_other_pages(tmp_path, name, sections):
    def findings(sections):
        write(tmp_path / f"page{name}", "".join(f".Sh {section}\nText.\n" for section in sections))
        return manual.check_others(tmp_path)

    assert findings(sections) == (1, [])
    assert findings(["NAME", "MORE", *sections[1:], "NOTES"]) == (1, [])
    for index, section in enumerate(sections):
        only(findings(sections[:index] + sections[index + 1:])[1], f"page{name}", "sections")
    only(findings([*sections[:-2], *reversed(sections[-2:])])[1], "sections")


# ---------------------------------------------------------------------------------------- wrapped

CALLS = """
int socket(int, int, int), accept4(int, void *, void *, int), asprintf(char **, const char *, ...);
unsigned long strlen(const char *);
int fdpass_inside(int);
int fdpass_call(char *text)
{
    return socket(1, 2, 3) + accept4(1, 0, 0, 0) + asprintf(&text, text + strlen(text)) + fdpass_inside(1);
}
"""
TABLE = "WRAP(socket, int, (int a))\nWRAP_64(accept4, int, (int a))\nWRAP(vasprintf, int, (int a))\n"


def test_wrapped_allows(tmp_path):
    assert wrapped.check(write(tmp_path / "failing.c", TABLE), archive(tmp_path, "calls", CALLS)) == (4, [])


@pytest.mark.parametrize("name", ["socket", "accept4", "asprintf"])
def test_wrapped_reports(tmp_path, name):
    table = "".join(line for line in TABLE.splitlines(keepends=True) if name not in line)
    only(wrapped.check(write(tmp_path / "failing.c", table), archive(tmp_path, "calls", CALLS))[1], name, "does not wrap it")
