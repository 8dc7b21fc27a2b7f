//! What strangers wrote, and what templates were filled with: in no
//! output of any command obeyed or repeated.

use crate::support::Project;

fn is_harmless(place: &str, format: &str, text: &str) {
    let is_obeyed = |c: char| c != '\n' && (c.is_control() || "\u{202e}\u{2028}".contains(c));
    if let Some(at) = text.find(is_obeyed) {
        let from = text.floor_char_boundary(at.saturating_sub(200));
        panic!(
            "{place}: {:?}",
            &text[from..text.ceil_char_boundary(at + 20)]
        );
    }
    let lower = text.to_lowercase();
    assert!(
        !lower.contains("##[") && !lower.contains("##vso["),
        "{place}: {text}"
    );
    for line in text.lines().filter(|_| format != "github") {
        assert!(!line.trim_start().starts_with("::"), "{place}: {line}");
    }
}

/// security 4
#[test]
fn hostile_manifests_arguments_and_paths_are_shown_and_not_obeyed() {
    let project = Project::with_manifest(
        "version = 1\n[deployment]\nname = \"x\"\n[stage.api]\nkind = \"x\\n::error::pwned\\u001b]52;c;aGk=\\u0007\"\n# \u{202e} ##[error]x\nurl = 1 # \u{9b}2J\n",
    );
    project.write(
        "x\n::error::a.toml",
        "version = \u{1b}]52;c;aGk=\u{7}\n::error::y\n",
    );
    project.write("b.toml", "version = 1\n[stage.\"::error::\\u001bP\"]\nkind = \"http\"\n\u{202e}::stop-commands::x ##vso[task]\n");
    let variables = [("GITHUB_ACTIONS", "true")];
    for arguments in [
        &["check"][..],
        &["check", "-v", "--color", "always"],
        &["check", "-m", "x\n::error::a.toml"],
        &["check", "-m", "b.toml"],
        &["check", "-m", "no\n::error::b\u{1b}P.toml"],
        &["check", "--format", "x\n::error::pwned\u{1b}P"],
        &["x\n::error::pwned ##[error]"],
        &["eval", "\n::error::a\u{9b}"],
        &["check", "-e", "\n  ::error::a\u{202e}"],
        &["check", "--set", "\n::error::a\u{1b}=1"],
        &["check", "--set", "env.x=\n::error::a\u{1b}"],
        &["report", "\n::error::a\u{1b}P"],
        &["diff", "\n::error::a", "##[error]\u{1b}P"],
        &["-C", "\n::error::a", "check"],
        &["check", "--out", "json=\n::error::a/\u{1b}P"],
    ] {
        let output = project.run_with(arguments, &variables);
        let plain = anstream::adapter::strip_str(&output.stderr).to_string();
        let coloured = arguments.contains(&"always");
        let text = if coloured { &plain } else { &output.stderr };
        is_harmless(&format!("{arguments:?}"), "stderr", text);
        is_harmless(&format!("{arguments:?}"), "stdout", &output.stdout);
    }
}

/// security 3
#[test]
fn what_a_template_was_filled_with_is_never_repeated() {
    for (url, key) in [
        ("{{ secret.KEY }}/chat", "hunter2.example/v1"),
        ("{{ secret.KEY }}", "Hunter2.Example"),
        ("ftp://{{ secret.KEY }}/x", "hunter2.example"),
        ("http://u:{{ secret.KEY | urlencode }}@/x", "pass/hunter2"),
        ("http://{{ secret.KEY }}:1/x", "Hunter2.localhost"),
        ("http://h:{{ secret.KEY }}/x", "hunter2"),
        ("file:///{{ secret.KEY }}", "hunter2-path"),
    ] {
        let text = format!(
            "version = 1\n[deployment]\nname = \"d\"\nentry = \"api\"\n[stage.api]\nkind = \"http\"\nurl = \"{url}\"\n\
             [release]\nm = {{ stage = \"api\", response = \"$.m\" }}\n\
             [eval.answers]\nstage = \"api\"\ngolden = \"g.jsonl\"\n[[eval.answers.assert]]\nkind = \"contains\"\nvalue = \"a\"\n\
             [load.peak]\ntarget = [\"api\"]\narrivals = {{ concurrency = 1 }}\nrequests = 1\n"
        );
        let project = Project::with_manifest(&text);
        project.write("g.jsonl", "{\"id\": \"q1\", \"input\": \"a\"}\n");
        for arguments in [
            &["check"][..],
            &["check", "--probe"],
            &["check", "--probe", "--format", "json"],
            &["load", "-v"],
            &["eval", "-v"],
            &["gate"],
            &["profile", "api", "--duration", "1s"],
        ] {
            let output = project.run_with(arguments, &[("KEY", key)]);
            let all = format!("{output}").to_lowercase();
            assert!(!all.contains("hunter2"), "{url} {arguments:?}: {output}");
        }
        for path in project.files() {
            if path.display().to_string().contains("/.stagegate/") {
                let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).to_lowercase();
                assert!(!text.contains("hunter2"), "{}: {text}", path.display());
            }
        }
    }
}
