//! `check`: the contract's own manifest, everything that is wrong at once, flags, and the probe.

use serde_json::json;

use crate::support::Project;
use crate::support::stub::{Stub, ok};
use crate::support::suite::{ANSWERS, Service, echo, manifest, nobody, project, status};

const CONTRACT: &str = include_str!("../fixtures/manifests/contract.toml");

#[test]
fn the_manifest_of_the_contract_is_right_without_secrets_and_without_network() {
    let project = Project::with_manifest(CONTRACT);
    let output = project.run(&["check"]).expect(0);
    assert_eq!(output.stderr, "");
    assert!(
        output.stdout.contains("stagegate.toml is valid"),
        "{output}"
    );
    assert!(output.stdout.contains("API_KEY"), "{output}");
    let report = project.run(&["check", "--format", "json"]).expect(0).json();
    assert_eq!(report["schema"], "stagegate/check");
    assert_eq!(
        (&report["deployment"], &report["env"]),
        (&json!("support-rag"), &json!("local"))
    );
    assert_eq!(report["secrets"], json!({"API_KEY": false}));
    assert_eq!(
        report["suites"],
        json!({"eval": ["answers"], "fault": ["llm-overloaded"], "load": ["peak"], "pipeline": ["chat"]})
    );
    let stages = report["stages"].as_array().unwrap();
    let names: Vec<&str> = stages
        .iter()
        .map(|stage| stage["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["gateway", "retrieve", "rerank", "llm", "llm_small"]);
    assert_eq!(stages[0]["calls"], json!(["retrieve", "rerank", "llm"]));
    assert_eq!(
        (&stages[0]["owner"], &stages[1]["owner"]),
        (&json!("app-team"), &json!("ml-platform"))
    );
    assert_eq!(project.files().len(), 1, "check leaves nothing behind");
}

/// The contract's manifest with every key that is accepted and does nothing yet (verdicts G10).
fn idle_everywhere() -> String {
    let text = CONTRACT
        .replace(
            "region = \"eu-west-1\"",
            "region = \"eu-west-1\"\nprotected = true",
        )
        .replace("floor = \"2%\"", "abs_floor = \"1ms\"\nfloor = \"2%\"");
    assert!(text.contains("protected = true\n") && text.contains("abs_floor = \"1ms\"\n"));
    text
}

#[test]
fn a_key_that_does_nothing_yet_is_a_warning_with_its_place() {
    let text = idle_everywhere();
    let project = Project::with_manifest(&text);
    let arguments = ["--set", "stage.rerank.proxy=127.0.0.1:9102", "check"];
    let output = project.run(&[&arguments[..], &["--format", "json"]].concat());
    let warnings = output.expect(0).json()["warnings"].clone();
    let line = |beginning: &str| {
        let at = text.lines().position(|it| it.starts_with(beginning));
        at.unwrap_or_else(|| panic!("no line begins with {beginning}")) + 1
    };
    let found: Vec<(&str, &str, usize)> = warnings
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            let text = |key: &str| it[key].as_str().unwrap();
            let message = text("message");
            assert!(message.ends_with(" is accepted and does nothing yet"));
            (
                text("key"),
                text("file"),
                it["line"].as_u64().unwrap() as usize,
            )
        })
        .collect();
    let file = "stagegate.toml";
    assert_eq!(
        found,
        [
            ("env.eu.protected", file, line("protected = true")),
            ("stage.llm.fallback", file, line("fallback = ")),
            ("stage.llm.proxy", file, line("proxy = ")),
            ("fault.llm-overloaded", file, line("[fault.llm-overloaded]")),
            ("gate.faults", file, line("faults = ")),
            (
                "stage.rerank.proxy",
                "--set stage.rerank.proxy=127.0.0.1:9102",
                1
            ),
        ]
    );
}

#[test]
fn every_format_warns_of_what_does_nothing_yet_and_passes() {
    let project = Project::with_manifest(&idle_everywhere());
    let shown = "`faults` of `[gate]` is accepted and does nothing yet";
    for format in [
        "human", "json", "jsonl", "markdown", "junit", "csv", "github",
    ] {
        let output = project.run(&["check", "--format", format]).expect(0);
        assert_eq!(output.stderr, "", "{format}");
        // Lines for people are wrapped.
        let words: Vec<&str> = output.stdout.split_whitespace().collect();
        assert!(words.join(" ").contains(shown), "{format}: {output}");
    }
    let github = project.run(&["check", "--format", "github"]).expect(0);
    let line = "::warning file=stagegate.toml,line=108,";
    assert!(github.stdout.contains(line), "{github}");
    let human = project.run(&["check"]).expect(0);
    assert!(
        human.stdout.contains("warning: stagegate.toml:108: "),
        "{human}"
    );
}

#[test]
fn everything_that_is_wrong_is_shown_at_once() {
    let text = CONTRACT
        .replace("kind = \"rerank\"", "kind = \"reranker\"")
        .replace("timeout = \"30s\"", "timeout = \"30 parsecs\"")
        .replace("calls = [\"retrieve\", ", "calls = [\"retrive\", ")
        .replace("warmup = ", "warm_up = ")
        .replace("kind = \"contains\"", "kind = \"contain\"")
        .replace("min = \"90%\"", "min = \"190%\"");
    let project = Project::with_manifest(&text);
    let output = project.run(&["check"]).expect(2);
    assert_eq!(output.stdout, "");
    insta::assert_snapshot!(output.stderr, @r#"
    error: 6 problems in `stagegate.toml`

    error: `calls` of stage `gateway`: there is no stage `retrive`
        ╭─[stagegate.toml:30:10]
     29 │ output = { text = "$.answer", ids = "$.sources[*].id", fallback = "$.degraded" }   # JSONPath (RFC 9535)
     30 │ calls = ["retrive", "rerank", "llm"]  # edges: which stages this one calls
        ·          ─────────
     31 │ timeout = "30 parsecs"                        # or { connect, first_token, idle, total }
        ╰────
      help: Did you mean `retrieve`?

    error: `timeout` of stage `gateway`: `30 parsecs` is not a duration; write it like `250ms`, `2s`, or `5m`
        ╭─[stagegate.toml:31:11]
     30 │ calls = ["retrive", "rerank", "llm"]  # edges: which stages this one calls
     31 │ timeout = "30 parsecs"                        # or { connect, first_token, idle, total }
        ·           ────────────
     32 │ owner = "app-team"
        ╰────

    error: there is no stage kind `reranker`
        ╭─[stagegate.toml:43:8]
     42 │ [stage.rerank]
     43 │ kind = "reranker"
        ·        ──────────
     44 │ url = "{{ env.api }}/rerank"
        ╰────
      help: Did you mean `rerank`?

    error: unknown key `warm_up` in load `peak`
        ╭─[stagegate.toml:75:1]
     74 │ duration = "60s"                       # or requests = 10000
     75 │ warm_up = "5s"                          # default 0; never counted
        · ───────
     76 │ seed = 7
        ╰────
      help: Did you mean `warmup`?

    error: unknown assertion `contain`
        ╭─[stagegate.toml:89:8]
     88 │ [[eval.answers.assert]]
     89 │ kind = "contain"
        ·        ─────────
     90 │ value = "{{ expected.answer }}"
        ╰────
      help: Did you mean `contains`?

    error: `min` of `[[gate.rule]]` 2: `190%` is not a share between 0 and 1; write it like `5%` or `0.05`
         ╭─[stagegate.toml:118:7]
     117 │ metric = "eval.answers.pass_rate"
     118 │ min = "190%"
         ·       ──────
     119 │ max_drop = "5%"                        # percentage points: non-inferiority margin; `min` is judged by the estimate
         ╰────
    "#);
}

#[test]
fn a_stage_of_an_unknown_kind_is_one_problem() {
    let text = manifest("127.0.0.1:9".parse().unwrap(), "", "").replace("\"http\"", "\"htpp\"");
    let output = Project::with_manifest(&text).run(&["check"]).expect(2);
    assert_eq!(output.stderr.matches("error:").count(), 1, "{output}");
    assert!(output.stderr.contains("Did you mean `http`?"), "{output}");
}

#[test]
fn set_overrides_the_manifest_and_is_checked_like_it() {
    let service = Service::start();
    let project = project(nobody(), "", ANSWERS, 3);
    let url = format!("stage.api.url=http://{}/ask", service.stub.address);
    project
        .run(&["eval", "--set", &url, "--set", "eval.answers.repeats=2"])
        .expect(0);
    assert_eq!(service.stub.requests().len(), 6);
    let output = project
        .run(&["check", "--set", "stage.api.urll=x"])
        .expect(2);
    insta::assert_snapshot!(output.stderr, @r"
    error: unknown key `urll` in stage `api`
       ╭─[--set stage.api.urll=x:1:1]
     1 │ stage.api.urll=x
       · ──────────────
       ╰────
      help: Did you mean `url`?
    ");
    let output = project.run(&["check", "--set", "stage.api"]).expect(2);
    assert!(output.stderr.contains("KEY=VALUE"), "{output}");
}

#[test]
fn global_flags_stand_before_and_after_the_command() {
    let project = Project::new();
    project.write("shop/other.toml", CONTRACT);
    let flags = [
        "-C",
        "shop",
        "-m",
        "other.toml",
        "-e",
        "eu",
        "--format",
        "json",
        "-q",
    ];
    let before = project.run(&[&flags[..], &["check"]].concat()).expect(0);
    let after = project.run(&[&["check"][..], &flags].concat()).expect(0);
    let between = project
        .run(&[&flags[..4], &["check"], &flags[4..]].concat())
        .expect(0);
    assert_eq!(before.json()["env"], "eu");
    assert_eq!(before.json(), after.json());
    assert_eq!(before.json(), between.json());
}

#[test]
fn paths_of_the_manifest_begin_at_its_folder() {
    let service = Service::start();
    let shop = project(service.stub.address, "", ANSWERS, 3);
    let elsewhere = Project::new();
    let folder = shop.path("").display().to_string();
    elsewhere.run(&["-C", &folder, "eval"]).expect(0);
    assert!(shop.path(".stagegate/runs").is_dir());
    assert_eq!(elsewhere.files().len(), 0);
}

#[test]
fn a_probe_calls_each_stage_once_with_a_real_case() {
    let stub = Stub::start(|request| match request.path.as_str() {
        "/search" => vec![ok(
            "{\"hits\":[{\"id\":\"d1\",\"text\":\"one\"},{\"id\":\"d2\",\"text\":\"two\"}]}",
        )],
        "/rerank" => vec![ok("{\"results\":[{\"id\":\"d2\"}]}")],
        _ => echo(request),
    });
    let address = stub.address;
    let stages = format!(
        "[stage.retrieve]\nkind = \"retrieval\"\nurl = \"http://{address}/search\"\nbody = {{ q = \"{{{{ input }}}}\" }}\n\
         output = {{ ids = \"$.hits[*].id\", texts = \"$.hits[*].text\" }}\n\
         [stage.rerank]\nkind = \"rerank\"\nurl = \"http://{address}/rerank\"\n\
         body = {{ q = \"{{{{ input }}}}\", documents = \"{{{{ steps.retrieve.texts }}}}\" }}\n\
         output = {{ ids = \"$.results[*].id\" }}\n{ANSWERS}"
    );
    let project = project(address, "", &stages, 3);
    let report = project
        .run(&["check", "--probe", "--format", "json"])
        .expect(0)
        .json();
    let probe = |at: usize| &report["stages"][at]["probe"];
    assert_eq!(
        (&probe(0)["status"], &probe(0)["text"]),
        (&json!(200), &json!("q01"))
    );
    assert_eq!(
        (&probe(1)["ok"], &probe(1)["ids"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(
        (&probe(2)["ok"], &probe(2)["ids"]),
        (&json!(true), &json!(1))
    );
    let asked = |path: &str| {
        stub.requests()
            .iter()
            .filter(|request| request.path == path)
            .count()
    };
    // Once for itself and once as the step before the reranker.
    assert_eq!(
        (asked("/ask"), asked("/search"), asked("/rerank")),
        (1, 2, 1)
    );
    let reranked = stub
        .requests()
        .into_iter()
        .find(|request| request.path == "/rerank")
        .unwrap();
    assert_eq!(
        reranked.body,
        "{\"q\":\"q01\",\"documents\":[\"one\",\"two\"]}"
    );
}

#[test]
fn a_probe_tells_what_refuses_from_what_is_not_there() {
    let stub = Stub::start(|_| status(401, "who are you?"));
    let refused =
        project(stub.address, "", ANSWERS, 1).run(&["check", "--probe", "--format", "json"]);
    let refused = refused.expect(1).json();
    let probe = &refused["stages"][0]["probe"];
    assert_eq!(
        (&probe["ok"], &probe["status"]),
        (&json!(false), &json!(401))
    );
    let absent = project(nobody(), "", ANSWERS, 1).run(&["check", "--probe", "--format", "json"]);
    let absent = absent.expect(3).json();
    let probe = &absent["stages"][0]["probe"];
    assert_eq!(
        (&probe["ok"], &probe["status"]),
        (&json!(false), &json!(null))
    );
    assert!(
        probe["error"]
            .as_str()
            .unwrap()
            .contains("Connection refused"),
        "{probe}"
    );
}

/// stumbles S3: what cannot work is told by `check`, before a stage is asked fifty times.
#[test]
fn what_the_manifest_names_is_held_against_it() {
    let sliced = "slice_by = [\"lang\"]";
    assert!(ANSWERS.contains(sliced));
    let suite = ANSWERS.replace(sliced, "slice_by = [\"lnag\"]\nmust_pass = [\"q1\"]");
    let project = project(nobody(), "", &suite, 3);
    let output = project.run(&["check", "--format", "json"]).expect(2);
    let document = output.json();
    let errors = document["errors"].as_array().unwrap();
    let said: Vec<&str> = errors
        .iter()
        .map(|it| it["message"].as_str().unwrap())
        .collect();
    assert_eq!(
        said,
        [
            "`must_pass` of eval `answers`: no case of `golden.jsonl` is `q1`",
            "`slice_by` of eval `answers`: no case of `golden.jsonl` has a tag `lnag`",
        ]
    );
    assert_eq!(errors[0]["help"], "Did you mean `q01`?");
    // A golden set that cannot be read is told beside them, line by line.
    project.write("golden.jsonl", "{\"inptu\": 1}\n{\"id\": 7\n");
    let broken = project.run(&["check", "--format", "json"]).expect(2).json();
    assert_eq!(broken["errors"][0]["file"], "golden.jsonl");
    assert_eq!(broken["errors"][1]["line"], 2);
    // One that is not written yet is a warning: the manifest comes first.
    std::fs::remove_file(project.path("golden.jsonl")).unwrap();
    let output = project.run(&["check"]).expect(0);
    assert!(
        output
            .stdout
            .contains("golden set `golden.jsonl` does not exist"),
        "{output}"
    );
}

/// stumbles S3: addresses that no request can go to, also where the environment brings them.
#[test]
fn an_address_has_a_scheme_that_is_spoken() {
    let right = manifest(nobody(), "", "");
    let url = |url: &str| {
        let line = right.lines().find(|it| it.starts_with("url = ")).unwrap();
        let text = right.replace(line, &format!("url = \"{url}\""));
        format!("{text}\n[env.local]\napi = \"127.0.0.1:8642\"\nok = \"http://127.0.0.1:8642\"\n")
    };
    for (wrong, said) in [
        ("127.0.0.1:8642/chat", "`127.0.0.1:8642/chat` has no scheme"),
        ("htp://127.0.0.1/chat", "there is no scheme `htp`"),
        ("{{ env.api }}/chat", "`127.0.0.1:8642/chat` has no scheme"),
        ("http://[::1/chat", "is no address"),
    ] {
        let output = Project::with_manifest(&url(wrong))
            .run(&["check"])
            .expect(2);
        assert!(output.stderr.contains(said), "{wrong}: {output}");
    }
    for right in [
        "{{ env.ok }}/chat",
        "https://x/{{ input }}",
        "{{ secret.BASE }}/chat",
        "http://{{ secret.HOST }}/chat",
    ] {
        Project::with_manifest(&url(right))
            .run(&["check"])
            .expect(0);
    }
}

/// stumbles S3: what templates ask of cases that none has would fail at every request.
#[test]
fn a_template_asks_for_what_some_case_has() {
    let project = |body: &str, value: &str, cases: &str| {
        let text = format!(
            "version = 1\n[stage.a]\nkind = \"http\"\nurl = \"http://127.0.0.1:9/\"\nbody = {body}\n\
             [eval.answers]\nstage = \"a\"\ngolden = \"g.jsonl\"\n\
             [[eval.answers.assert]]\nkind = \"contains\"\nvalue = \"{value}\"\n"
        );
        let project = Project::with_manifest(&text);
        project.write("g.jsonl", cases);
        project
    };
    let cases = "{\"id\": \"1\", \"input\": {\"question\": \"a\", \"user\": {\"id\": 1}}, \"expected\": {\"answer\": \"b\"}}\n\
                 {\"id\": \"2\", \"input\": {\"question\": \"c\", \"lang\": \"de\"}, \"expected\": {\"answer\": \"d\"}}\n";
    let texts = "{\"id\": \"1\", \"input\": \"a\", \"expected\": \"b\"}\n";
    for (body, value, cases, said) in [
        (
            "{ q = \"{{ input.qestion }}\" }",
            "x",
            cases,
            "Did you mean `input.question`?",
        ),
        (
            "{ q = \"{{ input.user.name }}\" }",
            "x",
            cases,
            "`input.user.id`",
        ),
        (
            "{ q = \"{{ input }}\" }",
            "{{ expected.anwser }}",
            cases,
            "Did you mean `expected.answer`?",
        ),
        (
            "{ q = \"{{ input.question }}\" }",
            "x",
            texts,
            "`{{ input }}`",
        ),
    ] {
        let output = project(body, value, cases).run(&["check"]).expect(2);
        assert!(output.stderr.contains(said), "{body} {value}: {output}");
        assert!(
            output.stderr.contains("no case of `g.jsonl` has"),
            "{output}"
        );
    }
    // What only some have, what has a stand-in, and what is asked for as a whole.
    for body in [
        "{ q = \"{{ input.lang }}\" }",
        "{ q = \"{{ input.nothing | default('x') }}\" }",
        "{ q = \"{% if input.nothing %}x{% endif %}\" }",
        "{ q = \"{{ input }}\" }",
    ] {
        project(body, "{{ expected.answer }}", cases)
            .run(&["check"])
            .expect(0);
    }
}

/// A project with these stages and one load; its golden set has `input.question` and
/// `expected.answer`.
fn with_load(stages: &str, load: &str) -> Project {
    let text = format!("version = 1\n{stages}[load.peak]\nduration = \"1s\"\n{load}\n");
    let project = Project::with_manifest(&text);
    project.write(
        "g.jsonl",
        "{\"id\": \"1\", \"input\": {\"question\": \"a\"}, \"expected\": {\"answer\": \"b\"}}\n",
    );
    project
}

fn asking(name: &str, ask: &str) -> String {
    format!(
        "[stage.{name}]\nkind = \"http\"\nurl = \"http://127.0.0.1:9/\"\nbody = {{ q = \"{{{{ {ask} }}}}\" }}\noutput = {{ text = \"$.t\" }}\n"
    )
}

const OPEN: &str = "arrivals = { rate = \"5/s\" }";

/// stumbles S3: so does what a load sends, alone and as a kind of user, whose cases are its data.
#[test]
fn a_template_asks_for_what_the_data_of_a_load_has() {
    let asks = asking("a", "input.qestion");
    let behind = asking("a", "steps.b.text") + &asking("b", "input.qestion");
    let piped = format!("{behind}[pipeline.p]\nsteps = [\"b\", \"a\"]\n");
    let data = |target: &str| format!("target = {target}\n{OPEN}\ndata = \"g.jsonl\"");
    let mixed =
        format!("{OPEN}\ndata = \"g.jsonl\"\n[load.peak.mix.some]\ntarget = \"a\"\nweight = 1");
    let (of_a, of_b) = (
        "stage `a`: no case of `g.jsonl` has `input.qestion`",
        "stage `b`: no case of `g.jsonl` has `input.qestion`",
    );
    let without = "stage `a`: there is no `input.qestion`, as load `peak` has no `data`";
    for (stages, load, said) in [
        (&asks, data("\"a\""), of_a),
        (&asks, data("\"each\""), of_a),
        (&asks, mixed, of_a),
        (&behind, data("[\"a\"]"), of_b),
        (&piped, data("\"p\""), of_b),
        (&asks, format!("target = \"a\"\n{OPEN}"), without),
    ] {
        let output = with_load(stages, &load).run(&["check", "--format", "json"]);
        let document = output.expect(2).json();
        let errors = document["errors"].as_array().unwrap();
        let told = errors.iter().filter(|it| it["message"] == said);
        assert_eq!(told.count(), 1, "{load}: {document}");
    }
}

#[test]
fn a_template_may_ask_a_load_for_what_is_there_and_for_what_has_a_stand_in() {
    let bare = format!("target = \"a\"\n{OPEN}");
    for (ask, load) in [
        ("input.question", format!("{bare}\ndata = \"g.jsonl\"")),
        ("input", bare.clone()),
        ("input.nothing | default('x')", bare.clone()),
        ("env.x", format!("{bare}\n[env.local]\nx = \"1\"")),
    ] {
        with_load(&asking("a", ask), &load)
            .run(&["check"])
            .expect(0);
    }
}

/// stumbles S3: a glob that matches nothing would stop every run; a project whose folders are not
/// there yet is only told.
#[test]
fn a_glob_of_the_release_matches_some_file() {
    let project = |glob: &str| {
        let text = format!(
            "version = 1\n[release]\nprompt = {{ files = \"{glob}\" }}\n[stage.a]\nkind = \"http\"\nurl = \"http://127.0.0.1:9/\"\n"
        );
        let project = Project::with_manifest(&text);
        project.write("prompts/de/answer.txt", "Answer.");
        project
    };
    for glob in [
        "prompts/*",
        "*.txt",
        "prompts/**/*.md",
        "prompts/de/anwser.txt",
    ] {
        let project = project(glob);
        let output = project.run(&["check", "--format", "json"]).expect(2);
        let error = &output.json()["errors"][0];
        assert_eq!(
            (&error["file"], &error["line"]),
            (&json!("stagegate.toml"), &json!(3))
        );
        let message = error["message"].as_str().unwrap();
        let said = format!("`release.prompt`: no file matches `{glob}` in `");
        assert!(message.starts_with(&said), "{message}");
    }
    let output = project("promts/**")
        .run(&["check", "--format", "json"])
        .expect(0);
    let missing = &output.json()["missing"][0];
    assert_eq!(
        (&missing["line"], &missing["key"]),
        (&json!(3), &json!("release.prompt.files"))
    );
    for glob in ["prompts/**", "stagegate.toml", "prompts/de/*.txt"] {
        project(glob).run(&["check"]).expect(0);
    }
}

/// stumbles S27: what the environment brings is shown, and a program that is not there is told.
#[test]
fn places_are_shown_as_the_environment_has_them() {
    let text = "version = 1\n[stage.a]\nkind = \"http\"\nurl = \"{{ env.api }}/chat\"\n\
                [stage.b]\nkind = \"command\"\ncommand = [\"no-such-program\", \"x\"]\n\
                [stage.c]\nkind = \"command\"\ncommand = [\"/bin/sh\", \"-c\", \"cat\"]\n\
                [env.local]\napi = \"http://127.0.0.1:8642\"\n";
    let output = Project::with_manifest(text).run(&["check"]).expect(0);
    for said in [
        "http://127.0.0.1:8642/chat",
        "no-such-program x",
        "/bin/sh -c cat",
    ] {
        assert!(output.stdout.contains(said), "{said}: {output}");
    }
    let warnings = format!("{}{}", output.stdout, output.stderr);
    let missing = "stage `b`: there is no program `no-such-program`";
    assert!(warnings.contains(missing), "{output}");
    assert!(
        !warnings.contains("there is no program `/bin/sh`"),
        "{output}"
    );
}

/// stumbles S3: a rule on a slice that no case is in is never judged.
#[test]
fn a_rule_names_a_slice_that_some_case_is_in() {
    let rule = |lang: &str| {
        format!(
            "{ANSWERS}[gate]\nevals = [\"answers\"]\n[[gate.rule]]\nmetric = 'eval.answers.slice.\"lang={lang}\".pass_rate'\nmin = \"50%\"\n"
        )
    };
    project(nobody(), "", &rule("de"), 3)
        .run(&["check"])
        .expect(0);
    let output = project(nobody(), "", &rule("xx"), 3)
        .run(&["check"])
        .expect(2);
    assert!(
        output
            .stderr
            .contains("no case of `golden.jsonl` has `lang=xx`"),
        "{output}"
    );
}
