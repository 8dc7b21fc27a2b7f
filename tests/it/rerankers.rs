//! Rerankers that answer with positions, behind the search whose documents they put in order (verdicts G8).

use serde_json::{Value, json};

use crate::support::Project;
use crate::support::stub::{Stub, ok};

const HITS: &str = "{\"hits\": [{\"id\": \"d1\", \"text\": \"A\"}, {\"id\": \"d2\", \"text\": \"B\"}, {\"id\": \"d3\", \"text\": \"C\"}]}";

/// A search that finds the right document last, and a reranker that answers so.
fn stub(answer: impl Into<String>) -> Stub {
    let answer = answer.into();
    Stub::start(move |request| {
        vec![match request.path.as_str() {
            "/search" => ok(HITS),
            _ => ok(&answer),
        }]
    })
}

fn project(stub: &Stub, documents: &str, output: &str) -> Project {
    let url = format!("http://{}", stub.address);
    let eval = |name: &str, stage: &str| {
        format!(
            "[eval.{name}]\nstage = \"{stage}\"\ngolden = \"g.jsonl\"\n[[eval.{name}.assert]]\nkind = \"recall\"\nk = 1\n"
        )
    };
    let load = |name: &str, target: &str| {
        format!(
            "[load.{name}]\ntarget = \"{target}\"\narrivals = {{ concurrency = 1 }}\nrequests = 3\ndata = \"g.jsonl\"\n"
        )
    };
    let project = Project::with_manifest(&format!(
        "version = 1\n[deployment]\nname = \"d\"\n\
         [stage.find]\nkind = \"retrieval\"\nurl = \"{url}/search\"\noutput = {{ ids = \"$.hits[*].id\", texts = \"$.hits[*].text\" }}\n\
         [stage.rerank]\nkind = \"rerank\"\nurl = \"{url}/rerank\"\nbody = {{ query = \"{{{{ input }}}}\", {documents} = \"{{{{ steps.find.texts }}}}\" }}\n\
         output = {{ {output} }}\n\
         [pipeline.both]\nsteps = [\"find\", \"rerank\"]\n\
         {}{}{}{}",
        load("l", "both"),
        load("alone", "rerank"),
        eval("single", "rerank"),
        eval("pair", "both"),
    ));
    project.write(
        "g.jsonl",
        "{\"id\": \"q1\", \"input\": \"hi\", \"expected\": {\"ids\": [\"d3\"]}}\n",
    );
    project
}

fn errors(project: &Project) -> Value {
    let run = project.measure(&["load", "alone", "--format", "json"]);
    run.json()["stages"]["rerank"]["errors"].clone()
}

/// verdicts G8: the shapes of TEI, of Cohere, and of Jina and Voyage.
#[test]
fn positions_are_mapped_onto_the_documents_that_were_found() {
    for (documents, answer, path) in [
        (
            "texts",
            json!([{"index": 2, "score": 0.9}, {"index": 0, "score": 0.1}, {"index": 1, "score": 0.0}]),
            "$[*].index",
        ),
        (
            "documents",
            json!({"id": "x", "results": [{"index": 2, "relevance_score": 0.9}, {"index": 1, "relevance_score": 0.2}]}),
            "$.results[*].index",
        ),
        (
            "documents",
            json!({"results": [{"index": 2, "document": {"text": "C"}, "relevance_score": 0.8}]}),
            "$.results[*].index",
        ),
        (
            "documents",
            json!({"object": "list", "data": [{"index": 2, "relevance_score": 0.8}, {"index": 0, "relevance_score": 0.1}]}),
            "$.data[*].index",
        ),
    ] {
        let stub = stub(answer.to_string());
        let project = project(&stub, documents, &format!("order = \"{path}\""));
        let output = project.run(&["eval"]).expect(0);
        let passed = output.stdout.matches("1 of 1 case passed. Pass rate");
        assert_eq!(passed.count(), 2, "{output}");
        let run = project.measure(&["load", "l", "--format", "json"]);
        let run = run.expect(0).json();
        for stage in ["both", "rerank"] {
            assert_eq!(run["stages"][stage]["ok"], 3, "{stage}");
        }
        assert_eq!(errors(&project), json!({}));
        project.run(&["check", "--probe"]).expect(0);
        // What was sent are the texts that the search found.
        let sent = stub.requests();
        let sent = sent.iter().find(|it| it.path == "/rerank").unwrap();
        let sent: Value = serde_json::from_str(&sent.body).unwrap();
        assert_eq!(sent[documents], json!(["A", "B", "C"]));
    }
}

#[test]
fn positions_that_cannot_be_are_broken_contracts() {
    for (answer, said) in [
        (
            json!({"results": [{"index": 3}]}),
            "position 3, but step `find` gave 3 documents",
        ),
        (
            json!({"results": [{"index": 1}, {"index": 1}]}),
            "position 1 twice",
        ),
        (json!({"results": [{"index": -1}]}), "holds -1, no position"),
        (json!({"answer": []}), "nothing at `output.order`"),
    ] {
        let project = project(
            &stub(answer.to_string()),
            "documents",
            "order = \"$.results[*].index\"",
        );
        assert_eq!(errors(&project), json!({"contract": 3}), "{said}");
        let output = project.run(&["eval", "single"]).expect(1);
        let shown = format!("{}{}", output.stdout, output.stderr);
        let shown: Vec<&str> = shown.split_whitespace().collect();
        assert!(shown.join(" ").contains(said), "{output}");
    }
}

/// verdicts G8: positions that are taken for ids are told, and not graded as misses.
#[test]
fn positions_in_the_place_of_ids_are_told() {
    let answer = json!({"results": [{"index": 2}, {"index": 0}]});
    let project = project(
        &stub(answer.to_string()),
        "documents",
        "ids = \"$.results[*].index\"",
    );
    let output = project.run(&["eval", "single"]);
    let shown = format!("{}{}", output.stdout, output.stderr);
    let shown: Vec<&str> = shown.split_whitespace().collect();
    assert!(
        shown
            .join(" ")
            .contains("the ids are positions (2, 0), and the case's are not: write `output.order`"),
        "{output}"
    );
}

#[test]
fn what_could_never_be_put_in_order_is_wrong() {
    let stub = stub("[]");
    let manifest = |body: &str, output: &str, found: &str| {
        let url = format!("http://{}", stub.address);
        let project = Project::with_manifest(&format!(
            "version = 1\n[deployment]\nname = \"d\"\n[stage.find]\nkind = \"http\"\nurl = \"{url}\"\noutput = {{ {found} }}\n\
             [stage.rerank]\nkind = \"rerank\"\nurl = \"{url}\"\nbody = {{ {body} }}\noutput = {{ {output} }}\n"
        ));
        let said = project.run(&["check"]).expect(2).stderr;
        let said: Vec<&str> = said.split_whitespace().collect();
        said.join(" ")
    };
    let order = "order = \"$.results[*].index\"";
    let texts = "documents = \"{{ steps.find.texts }}\"";
    let both = "ids = \"$.a[*].id\", texts = \"$.a[*].text\"";
    for (said, wanted) in [
        (
            manifest("documents = \"{{ input }}\"", order, both),
            "does not say which step gave the documents",
        ),
        (
            manifest(texts, "order = \"$[*].index\", ids = \"$[*].id\"", both),
            "has `output.order` and `output.ids`",
        ),
        (
            manifest(texts, order, "texts = \"$.a[*].text\""),
            "has no `output.ids`",
        ),
        (
            manifest(texts, "texts = \"$[*].text\"", both),
            "a `rerank` stage needs `output.ids`",
        ),
        (
            manifest(texts, "order = { header = \"x-order\" }", both),
            "`order` cannot be in a header",
        ),
    ] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
}
