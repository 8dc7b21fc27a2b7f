//! What a journal keeps through kills, torn lines, and other processes.

use proptest::prelude::*;
use serde_json::Map;
use std::time::Duration;

use super::*;
use crate::eval::attempt::Answer;
use crate::measure::Failure;
use crate::protocol::CallFailure;
use crate::protocol::Reply;

fn key() -> JournalKey {
    JournalKey {
        suite: "answers".to_owned(),
        env: "local".to_owned(),
        release: "abc".to_owned(),
        dirty: false,
        manifest: "blake3:m".to_owned(),
        golden: "blake3:g".to_owned(),
        versions: BTreeMap::new(),
    }
}

fn answer(text: &str) -> Attempt {
    Attempt {
        outcome: Ok(Answer {
            reply: Reply {
                text: Some(text.to_owned()),
                ..Reply::default()
            },
            response_time_ms: 1.5,
        }),
        steps: Map::new(),
        retries: 0,
        asked_pause: Duration::ZERO,
        told: Told::new(),
        trace: None,
    }
}

fn error() -> Attempt {
    Attempt {
        outcome: Err(CallFailure::new(Failure::Timeout, "late")),
        ..answer("")
    }
}

fn create(dir: &Path, run_id: &str, started_at: &str) -> Journal {
    Journal::create(dir, &key(), run_id, started_at).unwrap()
}

fn resume(dir: &Path) -> Journal {
    Journal::resume(dir, &key(), &Secrets::default())
        .unwrap()
        .expect("a journal is there")
}

const NOON: &str = "2026-01-01T12:00:00Z";

#[test]
fn answers_are_kept_and_errors_are_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = create(dir.path(), "run1", NOON);
    let (a, b, c) = (answer("a"), error(), answer("c"));
    journal
        .append(
            [("q1", 0, Entry::Attempt(&a)), ("q2", 0, Entry::Attempt(&b))],
            &Secrets::default(),
        )
        .unwrap();
    journal
        .append([("q1", 1, Entry::Attempt(&c))], &Secrets::default())
        .unwrap();
    drop(journal);
    let mut again = resume(dir.path());
    assert_eq!((again.run_id(), again.started_at()), ("run1", NOON));
    assert_eq!(again.answered(), 2);
    assert_eq!(again.take("q1", 0, &Secrets::default()), Some(a));
    assert_eq!(again.take("q2", 0, &Secrets::default()), None);
    assert_eq!(again.take("q1", 1, &Secrets::default()), Some(c));
    again.remove().unwrap();
    assert!(
        Journal::resume(dir.path(), &key(), &Secrets::default())
            .unwrap()
            .is_none()
    );
}

/// field 1
#[test]
fn answers_come_back_with_the_secrets_they_held() {
    let secrets = |value: &str| {
        let lookup = |_: &str| Some(value.to_owned());
        Secrets::resolve(["API_KEY"], &lookup).unwrap()
    };
    // `text` is a key of every line as well.
    for (secret, kept_by_another) in [("plan", 1), ("text", 0)] {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = create(dir.path(), "run1", NOON);
        let mut first = answer(&format!("Here is the {secret}"));
        let outputs = serde_json::json!({"ids": [format!("{secret}-1")], secret: {secret: 1}});
        first.steps = outputs.as_object().unwrap().clone();
        let second = answer("nothing of it");
        let both = [
            (secret, 0, Entry::Attempt(&first)),
            ("q2", 0, Entry::Attempt(&second)),
        ];
        journal.append(both, &secrets(secret)).unwrap();
        let stored = fs::read_to_string(&journal.path).unwrap();
        assert!(!stored.lines().skip(1).any(|line| line.contains(secret)));
        drop(journal);
        let resume = |with: &str| {
            let journal = Journal::resume(dir.path(), &key(), &secrets(with));
            journal.unwrap().unwrap()
        };
        let mut again = resume(secret);
        assert_eq!(again.take(secret, 0, &secrets(secret)), Some(first));
        assert_eq!(again.take("q2", 0, &secrets(secret)), Some(second));
        drop(again);
        // It cannot be told what the answer was, and it is asked again.
        assert_eq!(resume("another").answered(), kept_by_another);
    }
}

/// A way in which a journal is not the one that is looked for.
type Change = fn(&mut JournalKey);

#[test]
fn only_the_newest_journal_of_the_same_release_is_continued() {
    let dir = tempfile::tempdir().unwrap();
    assert!(
        Journal::resume(&dir.path().join("none"), &key(), &Secrets::default())
            .unwrap()
            .is_none()
    );
    for (run_id, began) in [("b", "2026-01-02T00:00:00Z"), ("c", NOON), ("a", NOON)] {
        drop(create(dir.path(), run_id, began));
    }
    assert_eq!(resume(dir.path()).run_id(), "b");
    let changes: [Change; 6] = [
        |key| key.suite = "other".to_owned(),
        |key| key.env = "eu".to_owned(),
        |key| key.release = "def".to_owned(),
        |key| key.dirty = true,
        |key| key.manifest = "blake3:n".to_owned(),
        |key| key.golden = "blake3:h".to_owned(),
    ];
    for change in changes {
        let mut other = key();
        change(&mut other);
        assert!(
            Journal::resume(dir.path(), &other, &Secrets::default())
                .unwrap()
                .is_none(),
            "{other:?}"
        );
    }
}

#[test]
fn a_journal_in_use_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let held = create(dir.path(), "run1", NOON);
    let error = Journal::resume(dir.path(), &key(), &Secrets::default()).unwrap_err();
    assert!(matches!(error, JournalError::Busy { .. }));
    assert_eq!(error.kind(), Kind::Environment);
    drop(held);
    assert_eq!(resume(dir.path()).run_id(), "run1");
}

#[test]
fn a_journal_that_cannot_be_made_is_the_environments_fault() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = Journal::create(&file, &key(), "run1", NOON).unwrap_err();
    assert_eq!(error.kind(), Kind::Environment);
    assert!(error.to_string().contains("cannot be created"), "{error}");
}

/// A journal of three answers, as bytes.
fn written(dir: &Path) -> (PathBuf, Vec<u8>, usize) {
    let mut journal = create(dir, "run1", NOON);
    let path = journal.path.clone();
    let header = fs::metadata(&path).unwrap().len() as usize;
    let answers = [answer("eins"), answer("zw\u{f6}i"), answer("drei")];
    let answers = answers
        .iter()
        .zip(0..)
        .map(|(answer, at)| ("q1", at, Entry::Attempt(answer)));
    journal.append(answers, &Secrets::default()).unwrap();
    (path.clone(), fs::read(path).unwrap(), header)
}

#[test]
fn cut_at_every_byte_it_keeps_every_whole_answer_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (path, bytes, header) = written(dir.path());
    for cut in header..=bytes.len() {
        fs::write(&path, &bytes[..cut]).unwrap();
        let ends = bytes[header..]
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n');
        let whole = ends.filter(|(at, _)| header + at <= cut).count();
        let mut journal = resume(dir.path());
        assert_eq!(journal.answered(), whole, "cut at {cut}");
        journal
            .append(
                [("q2", 0, Entry::Attempt(&answer("vier")))],
                &Secrets::default(),
            )
            .unwrap();
        drop(journal);
        let mut again = resume(dir.path());
        assert_eq!(again.answered(), whole + 1, "cut at {cut}");
        assert_eq!(
            again.take("q2", 0, &Secrets::default()),
            Some(answer("vier"))
        );
    }
    for cut in 0..header {
        fs::write(&path, &bytes[..cut]).unwrap();
        assert!(
            Journal::resume(dir.path(), &key(), &Secrets::default())
                .unwrap()
                .is_none(),
            "cut at {cut}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn garbage_in_it_never_stops_a_resume(garbage in proptest::collection::vec(any::<u8>(), 0..80)) {
        let dir = tempfile::tempdir().unwrap();
        let (path, mut bytes, _) = written(dir.path());
        bytes.extend_from_slice(&garbage);
        fs::write(&path, &bytes).unwrap();
        prop_assert_eq!(resume(dir.path()).answered(), 3);
    }
}

// security 8
#[test]
fn other_files_of_the_release_are_another_release() {
    let dir = tempfile::tempdir().unwrap();
    drop(create(dir.path(), "run1", NOON));
    let other = JournalKey {
        versions: BTreeMap::from([("prompt".to_owned(), "blake3:p".to_owned())]),
        ..key()
    };
    let found = Journal::resume(dir.path(), &other, &Secrets::default()).unwrap();
    assert!(found.is_none());
    let why = Journal::differs(dir.path(), &other).unwrap();
    assert_eq!(why.as_deref(), Some("other files in `[release]`"));
}

// security 8
#[test]
fn what_stages_tell_is_kept_beside_the_answers_and_the_first_counts() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = create(dir.path(), "run1", NOON);
    let heard = Arc::new(Heard::default());
    journal.listen(Arc::clone(&heard));
    let a = answer("a");
    for (part, version, case) in [("model", "one", "q1"), ("index", "7", "q2")] {
        heard.tell(part, version.to_owned());
        journal
            .append([(case, 0, Entry::Attempt(&a))], &Secrets::default())
            .unwrap();
    }
    drop(journal);
    let mut again = resume(dir.path());
    assert_eq!(again.answered(), 2);
    let told = BTreeMap::from(["model", "index"].map(str::to_owned).map(|part| {
        let version = if part == "model" { "one" } else { "7" };
        (part, version.to_owned())
    }));
    assert_eq!(again.told(), &told);
    let other = Arc::new(Heard::default());
    other.tell("model", "two".to_owned());
    again.listen(other);
    again
        .append([("q3", 0, Entry::Attempt(&a))], &Secrets::default())
        .unwrap();
    drop(again);
    assert_eq!(resume(dir.path()).told(), &told);
}
