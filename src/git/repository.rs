//! The facts of the git repository around the project, through libgit2; a repository that cannot be
//! used counts as absent.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use git2::{Commit, ErrorCode, Oid, Repository, RepositoryOpenFlags, Sort, Status, StatusOptions};

use crate::intake;
use crate::record::FOLDER;

/// Where the project stands in git.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GitFacts {
    /// Full id of `HEAD`; `None` outside git and before the first commit.
    pub(crate) commit: Option<String>,
    /// The nearest tag reachable from `HEAD`, first parents first.
    pub(crate) tag: Option<String>,
    /// Tracked files that are not as in the commit, from the root of the work tree; `.stagegate/`
    /// never counts.
    pub(crate) changed: Vec<PathBuf>,
    /// Files that git neither tracks nor ignores, likewise.
    pub(crate) untracked: Vec<PathBuf>,
    /// The folder of the work tree; `None` outside git and in a bare repository.
    pub(crate) root: Option<PathBuf>,
    /// It cannot be told whether the work tree is clean.
    pub(crate) unclear: bool,
    /// `None` when detached.
    pub(crate) branch: Option<String>,
    /// History ends early: ancestors and tags may be missing.
    pub(crate) shallow: bool,
    /// Why the repository, though there, could not be used: to be shown to the user.
    pub(crate) warning: Option<String>,
}

/// The repository around a project, if there is one.
pub(crate) struct Git {
    repository: Option<Repository>,
    warning: Option<String>,
}

impl GitFacts {
    /// Returns whether tracked files changed, or untracked files lie about.
    #[cfg(test)]
    pub(super) fn is_dirty(&self) -> bool {
        self.unclear || !self.changed.is_empty() || !self.untracked.is_empty()
    }

    /// Reads the facts of the repository around that folder.
    pub(crate) fn read(project: &Path) -> Self {
        Git::open(project).facts()
    }
}

impl Git {
    /// Opens the repository around that folder.
    pub(crate) fn open(project: &Path) -> Self {
        let mut from = project
            .canonicalize()
            .unwrap_or_else(|_| project.to_owned());
        let mut warning = None;
        loop {
            // Not `discover`: that one forgets the work tree whose `.git` is a file.
            let nothing_above: [&Path; 0] = [];
            let opened = Repository::open_ext(&from, RepositoryOpenFlags::empty(), nothing_above);
            let repository = match opened {
                Ok(repository) => repository,
                Err(error) => {
                    return Self {
                        repository: None,
                        warning: warning.or_else(|| refusal(&error, project)),
                    };
                }
            };
            if is_of_a_work_tree(&repository) {
                return Self {
                    repository: Some(repository),
                    warning,
                };
            }
            warning.get_or_insert_with(|| bare(repository.path()));
            // Further up, from where it was found: it may lie below what a `.git` file names.
            let above = repository.path().parent().map(Path::to_owned);
            let above = above.filter(|above| from.starts_with(above) && *above != from);
            let Some(above) = above.or_else(|| from.parent().map(Path::to_owned)) else {
                return Self {
                    repository: None,
                    warning,
                };
            };
            from = above;
        }
    }

    /// Returns the repository itself, where there is one.
    pub(super) const fn repository(&self) -> Option<&Repository> {
        self.repository.as_ref()
    }

    /// Returns where the project stands.
    pub(crate) fn facts(&self) -> GitFacts {
        let Some(repository) = &self.repository else {
            return GitFacts {
                warning: self.warning.clone(),
                ..GitFacts::default()
            };
        };
        let head = repository.head().ok();
        let commit = head.as_ref().and_then(|head| head.peel_to_commit().ok());
        let branch = head
            .as_ref()
            .filter(|head| head.is_branch())
            .and_then(|head| head.shorthand().ok().map(str::to_owned));
        let (unclear, tree, warning) = match Tree::of(repository) {
            Ok(tree) => (false, tree, None),
            // Not known to be clean: a baseline must not be made of it.
            Err(error) => (
                true,
                Tree::default(),
                Some(format!(
                    "cannot tell whether the work tree is clean: {}",
                    error.message()
                )),
            ),
        };
        GitFacts {
            tag: commit
                .as_ref()
                .and_then(|commit| nearest_tag(repository, commit.id())),
            commit: commit.map(|commit| commit.id().to_string()),
            changed: tree.changed,
            untracked: tree.untracked,
            root: self.root(),
            unclear,
            branch,
            shallow: repository.is_shallow(),
            warning: warning.or_else(|| self.warning.clone()),
        }
    }

    /// Returns the full id of the commit that a branch, tag, full or short id, or expression such
    /// as `HEAD~1` names. A branch that exists only at `origin`, as in CI, is found too.
    pub(crate) fn resolve(&self, revision: &str) -> Option<String> {
        let repository = self.repository.as_ref()?;
        [
            revision.to_owned(),
            format!("refs/remotes/origin/{revision}"),
        ]
        .iter()
        .find_map(|spec| repository.revparse_single(spec).ok()?.peel_to_commit().ok())
        .map(|commit| commit.id().to_string())
    }

    /// Returns the commit's ancestors along first parents, nearest first, the commit itself left
    /// out; a shallow history ends early.
    pub(crate) fn first_parents(&self, commit: &str) -> impl Iterator<Item = String> + '_ {
        let start = self.repository.as_ref().and_then(|repository| {
            let id = Oid::from_str(commit).ok()?;
            repository.find_commit(id).ok()
        });
        first_parent_walk(start)
            .skip(1)
            .map(|commit| commit.id().to_string())
    }

    /// Returns whether the history ends before its beginning.
    pub(crate) fn is_shallow(&self) -> bool {
        self.repository
            .as_ref()
            .is_some_and(git2::Repository::is_shallow)
    }

    /// Returns the folder of the work tree; `None` outside git and in a bare repository.
    pub(crate) fn root(&self) -> Option<std::path::PathBuf> {
        let root = self.repository.as_ref()?.workdir()?;
        Some(root.components().collect())
    }

    /// Returns the commits that a tag points at.
    pub(crate) fn tagged(&self) -> BTreeSet<String> {
        let references = self.repository.as_ref();
        let references = references.and_then(|it| it.references_glob("refs/tags/*").ok());
        references
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|tag| Some(tag.peel_to_commit().ok()?.id().to_string()))
            .collect()
    }

    /// Returns the names of branches and tags, for suggestions.
    pub(crate) fn names(&self) -> Vec<String> {
        let Some(repository) = &self.repository else {
            return Vec::new();
        };
        let mut names = Vec::new();
        for glob in ["refs/heads/*", "refs/tags/*"] {
            let references = repository.references_glob(glob).into_iter().flatten();
            names.extend(
                references
                    .flatten()
                    .filter_map(|reference| reference.shorthand().ok().map(str::to_owned)),
            );
        }
        names
    }
}

/// Returns whether a repository is found by a `.git`, which no commit can hold. The files of any
/// other one may be part of somebody's commit, its settings too.
fn is_of_a_work_tree(repository: &Repository) -> bool {
    let path = repository.path();
    let named = || {
        let work_tree = repository.workdir()?;
        let text = intake::read_text(&work_tree.join(".git"), &intake::SMALL_RECORD).ok()?;
        let named = text.strip_prefix("gitdir:")?.trim();
        let (named, path) = (work_tree.join(named).canonicalize(), path.canonicalize());
        Some(named.ok()? == path.ok()?)
    };
    path.components().any(|it| it.as_os_str() == ".git") || named() == Some(true)
}

fn bare(path: &Path) -> String {
    format!(
        "the repository `{}` is not used: it lies in no `.git`, so that it may be part of a commit itself",
        path.display()
    )
}

/// Returns what to tell the user about a repository that cannot be opened; nothing when there is
/// none.
fn refusal(error: &git2::Error, project: &Path) -> Option<String> {
    match error.code() {
        ErrorCode::NotFound => None,
        ErrorCode::Owner => Some(format!(
            "the git repository around `{}` belongs to another user, so runs are not tied to a commit; to trust it, \
             add its folder to git's `safe.directory`",
            project.display()
        )),
        _ => Some(format!(
            "the git repository around `{}` cannot be read, so runs are not tied to a commit: {}",
            project.display(),
            error.message()
        )),
    }
}

/// How the work tree differs from the commit.
#[derive(Default)]
struct Tree {
    changed: Vec<PathBuf>,
    untracked: Vec<PathBuf>,
}

impl Tree {
    fn of(repository: &Repository) -> Result<Self, git2::Error> {
        let mut tree = Self::default();
        if repository.is_bare() {
            return Ok(tree);
        }
        let mut options = StatusOptions::new();
        // Untracked folders are looked into: one that holds nothing but `.stagegate/` does not
        // count.
        options
            .include_untracked(true)
            .recurse_untracked_dirs(true)
            .include_ignored(false);
        for entry in repository.statuses(Some(&mut options))?.iter() {
            let bytes = entry.path_bytes();
            if is_ours(bytes) {
                continue;
            }
            let path = PathBuf::from(String::from_utf8_lossy(bytes).into_owned());
            if entry.status() == Status::WT_NEW {
                tree.untracked.push(path);
            } else {
                tree.changed.push(path);
            }
        }
        Ok(tree)
    }
}

/// Returns whether a path in a repository lies in a `.stagegate/`, ours or that of a neighbouring
/// project.
fn is_ours(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/')
        .any(|part| part == FOLDER.as_bytes())
}

fn first_parent_walk(start: Option<Commit<'_>>) -> impl Iterator<Item = Commit<'_>> {
    std::iter::successors(start, |commit| commit.parent(0).ok())
}

/// A tag, with what decides between several on one commit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Tag {
    annotated: bool,
    /// Seconds since 1970; of the tag, 0 for a lightweight one.
    time: i64,
    name: String,
}

/// Returns for each tagged commit its best tag: annotated before lightweight, then the newest, as
/// `git describe` does; then the last by name.
fn tags_by_commit(repository: &Repository) -> HashMap<Oid, Tag> {
    let mut tags: HashMap<Oid, Tag> = HashMap::new();
    let references = repository
        .references_glob("refs/tags/*")
        .into_iter()
        .flatten();
    for reference in references.flatten() {
        let Ok(commit) = reference.peel_to_commit() else {
            continue; // A tag of a tree or blob, or beyond a shallow history.
        };
        let Ok(name) = reference.shorthand().map(str::to_owned) else {
            continue;
        };
        let object = reference.peel_to_tag().ok();
        let tag = Tag {
            annotated: object.is_some(),
            time: object
                .and_then(|tag| tag.tagger().map(|tagger| tagger.when().seconds()))
                .unwrap_or(0),
            name,
        };
        let best = tags.entry(commit.id()).or_insert_with(|| tag.clone());
        if *best < tag {
            *best = tag;
        }
    }
    tags
}

/// Returns the nearest tag along first parents, else the nearest of any ancestor.
fn nearest_tag(repository: &Repository, head: Oid) -> Option<String> {
    let tags = tags_by_commit(repository);
    if tags.is_empty() {
        return None;
    }
    let name = |id: Oid| tags.get(&id).map(|tag| tag.name.clone());
    let start = repository.find_commit(head).ok();
    if let Some(found) = first_parent_walk(start).find_map(|commit| name(commit.id())) {
        return Some(found);
    }
    let mut walk = repository.revwalk().ok()?;
    walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME).ok()?;
    walk.push(head).ok()?;
    walk.flatten().find_map(name)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::testing::{TestRepo, oid};
    use super::*;

    #[test]
    fn a_clean_tree_is_known_by_commit_branch_and_tag() {
        let repo = TestRepo::new();
        let commit = repo.commit("one");
        repo.tag("v1", &commit);
        let expected = GitFacts {
            commit: Some(commit),
            tag: Some("v1".to_owned()),
            changed: Vec::new(),
            untracked: Vec::new(),
            root: Git::open(repo.path()).root(),
            unclear: false,
            branch: Some("main".to_owned()),
            shallow: false,
            warning: None,
        };
        assert_eq!(GitFacts::read(repo.path()), expected);
        repo.file("app/deep/stagegate.toml", "");
        let below = GitFacts::read(&repo.path().join("app/deep"));
        assert_eq!(
            below,
            GitFacts {
                untracked: vec![PathBuf::from("app/deep/stagegate.toml")],
                ..expected
            }
        );
    }

    #[test]
    fn no_repository_is_no_facts_and_no_warning() {
        let dir = tempfile::tempdir().unwrap();
        let git = Git::open(dir.path());
        assert_eq!(git.facts(), GitFacts::default());
        assert_eq!(git.resolve("HEAD"), None);
        assert_eq!(git.first_parents(&"0".repeat(40)).count(), 0);
    }

    #[test]
    fn a_repository_without_commits_has_no_commit() {
        let repo = TestRepo::new();
        let nothing = GitFacts {
            root: Git::open(repo.path()).root(),
            ..GitFacts::default()
        };
        assert_eq!(GitFacts::read(repo.path()), nothing);
        repo.file("new.txt", "");
        let facts = GitFacts::read(repo.path());
        assert!(facts.is_dirty());
        assert_eq!(facts.commit, None);
    }

    /// security 24
    #[test]
    fn a_file_that_leads_to_a_bare_repository_ends_the_search() {
        let repo = TestRepo::new();
        let commit = repo.commit("one");
        let below = repo.path().join("below");
        fs::create_dir(&below).unwrap();
        git2::Repository::init_bare(below.join("x/y.git")).unwrap();
        fs::write(below.join(".git"), "gitdir: x/y.git").unwrap();
        let facts = GitFacts::read(&below);
        assert_eq!(facts.commit, Some(commit));
        assert!(facts.warning.unwrap().contains("is not used"));
        let alone = tempfile::tempdir().unwrap();
        git2::Repository::init_bare(alone.path().join("y.git")).unwrap();
        fs::write(alone.path().join(".git"), "gitdir: y.git").unwrap();
        let facts = GitFacts::read(alone.path());
        assert_eq!(facts.commit, None);
        assert!(facts.warning.unwrap().contains("is not used"));
    }

    #[test]
    fn a_bare_repository_is_not_used() {
        let repo = TestRepo::new();
        repo.commit("one");
        let bare = tempfile::tempdir().unwrap();
        let url = repo.path().to_str().unwrap();
        git2::build::RepoBuilder::new()
            .bare(true)
            .clone(url, bare.path())
            .unwrap();
        let facts = GitFacts::read(bare.path());
        assert_eq!((facts.is_dirty(), facts.commit), (false, None));
        assert!(facts.warning.unwrap().contains("it lies in no `.git`"));
    }

    // security 24
    #[test]
    fn a_bare_repository_inside_the_work_tree_does_not_hide_the_real_one() {
        for work_tree in [None, Some("..")] {
            let repo = TestRepo::new();
            let planted = repo.path().join("app");
            let bare = git2::Repository::init_bare(&planted).unwrap();
            let mut config = bare.config().unwrap();
            if let Some(work_tree) = work_tree {
                config.set_bool("core.bare", false).unwrap();
                config.set_str("core.worktree", work_tree).unwrap();
            }
            fs::create_dir(planted.join("deep")).unwrap();
            let commit = repo.commit("one");
            for project in [planted.join("deep"), planted.clone()] {
                let facts = GitFacts::read(&project);
                assert_eq!(facts.commit, Some(commit.clone()), "{facts:?}");
                let warning = facts.warning.unwrap();
                assert!(warning.contains("app"), "{warning}");
            }
            assert_eq!(GitFacts::read(repo.path()).warning, None);
        }
    }

    // security 24
    #[test]
    fn a_repository_that_a_file_in_the_work_tree_names_is_used() {
        let apart = tempfile::tempdir().unwrap();
        let repo = TestRepo::new();
        let commit = repo.commit("one");
        let moved = apart.path().join("repository");
        fs::rename(repo.path().join(".git"), &moved).unwrap();
        fs::write(
            repo.path().join(".git"),
            format!("gitdir: {}\n", moved.display()),
        )
        .unwrap();
        let facts = GitFacts::read(repo.path());
        assert_eq!((facts.commit, facts.warning), (Some(commit), None));
    }

    #[test]
    fn changed_staged_and_untracked_files_are_dirty_and_ignored_ones_are_not() {
        let dirty_with = |change: &dyn Fn(&TestRepo)| {
            let repo = TestRepo::new();
            repo.file(".gitignore", "*.log\n");
            repo.commit("one");
            change(&repo);
            GitFacts::read(repo.path()).is_dirty()
        };
        assert!(!dirty_with(&|_| ()));
        assert!(dirty_with(&|repo| repo.file("file.txt", "two")));
        assert!(dirty_with(&|repo| repo.file("new.txt", "")));
        assert!(dirty_with(&|repo| repo.file("folder/new.txt", "")));
        assert!(dirty_with(&|repo| fs::remove_file(
            repo.path().join("file.txt")
        )
        .unwrap()));
        assert!(dirty_with(&|repo| {
            repo.file("staged.txt", "");
            let mut index = repo.git.index().unwrap();
            index.add_path(Path::new("staged.txt")).unwrap();
            index.write().unwrap();
        }));
        assert!(!dirty_with(&|repo| repo.file("out.log", "")));
    }

    #[test]
    fn the_store_never_makes_a_tree_dirty() {
        let repo = TestRepo::new();
        repo.file(".stagegate/tracked.txt", "old");
        repo.commit("one");
        // Without any `.gitignore`, tracked or not, at the top or below.
        repo.file(".stagegate/tracked.txt", "new");
        repo.file(".stagegate/runs/x/run.json", "{}");
        repo.file("apps/rag/.stagegate/runs/x/run.json", "{}");
        assert!(!GitFacts::read(repo.path()).is_dirty());
        repo.file("apps/rag/stagegate.toml", "");
        assert!(GitFacts::read(repo.path()).is_dirty());
    }

    #[test]
    fn the_nearest_tag_is_sought_along_first_parents_first() {
        let repo = TestRepo::new();
        let first = repo.commit("first");
        repo.tag("v1", &first);
        let second = repo.commit("second");
        repo.git.set_head_detached(oid(&first)).unwrap();
        let side = repo.commit("side");
        repo.tag("side", &side);
        repo.git.set_head("refs/heads/main").unwrap();
        let merge = repo.commit_with(&[oid(&second), oid(&side)], "merge");
        let facts = GitFacts::read(repo.path());
        assert_eq!(
            (facts.commit, facts.tag),
            (Some(merge.clone()), Some("v1".to_owned()))
        );
        // Without it, a tag that came in by a merge is better than none.
        repo.git.tag_delete("v1").unwrap();
        assert_eq!(GitFacts::read(repo.path()).tag.as_deref(), Some("side"));
        let parents: Vec<String> = Git::open(repo.path()).first_parents(&merge).collect();
        assert_eq!(parents, [second, first]);
    }

    #[test]
    fn of_several_tags_on_a_commit_an_annotated_and_new_one_is_shown() {
        let repo = TestRepo::new();
        let commit = repo.commit("one");
        repo.tag("zz", &commit);
        repo.annotated_tag("v1.1", &commit);
        repo.annotated_tag("v1.0", &commit);
        assert_eq!(GitFacts::read(repo.path()).tag.as_deref(), Some("v1.0"));
    }

    #[test]
    fn revisions_are_resolved_as_git_does() {
        let repo = TestRepo::new();
        let one = repo.commit("one");
        repo.annotated_tag("v1", &one);
        let two = repo.commit("two");
        repo.git
            .reference("refs/remotes/origin/stable", oid(&one), true, "")
            .unwrap();
        let git = Git::open(repo.path());
        for (revision, commit) in [
            ("main", &two),
            ("HEAD", &two),
            (two.as_str(), &two),
            (&two[..7], &two),
            ("HEAD~1", &one),
            ("v1", &one),
            ("stable", &one),
            ("origin/stable", &one),
        ] {
            assert_eq!(git.resolve(revision).as_ref(), Some(commit), "{revision}");
        }
        for revision in ["v2", "HEAD~5", "HEAD:file.txt", "", "0000000"] {
            assert_eq!(git.resolve(revision), None, "{revision}");
        }
        assert_eq!(git.names(), ["main", "v1"]);
    }

    #[test]
    fn a_detached_head_has_a_commit_and_no_branch() {
        let repo = TestRepo::new();
        let commit = repo.commit("one");
        repo.git.set_head_detached(oid(&commit)).unwrap();
        let facts = GitFacts::read(repo.path());
        assert_eq!((facts.commit, facts.branch), (Some(commit), None));
    }

    #[test]
    fn a_shallow_history_ends_early_and_is_said_to() {
        let repo = TestRepo::new();
        let one = repo.commit("one");
        repo.tag("v1", &one);
        let two = repo.commit("two");
        let three = repo.commit("three");
        // What `git clone --depth 2` leaves: the boundary in `shallow`, the objects beyond it
        // missing.
        fs::write(repo.git.path().join("shallow"), format!("{two}\n")).unwrap();
        let object = repo
            .git
            .path()
            .join("objects")
            .join(&one[..2])
            .join(&one[2..]);
        fs::remove_file(object).unwrap();
        let git = Git::open(repo.path());
        let facts = git.facts();
        assert_eq!(
            (facts.commit.clone(), facts.shallow, facts.is_dirty()),
            (Some(three.clone()), true, false)
        );
        assert_eq!(facts.tag, None);
        assert_eq!(git.first_parents(&three).collect::<Vec<_>>(), [two]);
        assert_eq!(git.resolve("v1"), None);
    }

    #[test]
    fn a_repository_of_another_user_is_left_alone_with_a_warning() {
        let error = git2::Error::new(ErrorCode::Owner, git2::ErrorClass::Config, "not owned");
        let warning = refusal(&error, Path::new("project")).unwrap();
        assert!(
            warning.contains("`project` belongs to another user"),
            "{warning}"
        );
        let error = git2::Error::new(ErrorCode::NotFound, git2::ErrorClass::Repository, "no");
        assert_eq!(refusal(&error, Path::new("project")), None);
    }

    #[test]
    fn a_broken_repository_counts_as_absent_with_a_warning() {
        let repo = TestRepo::new();
        fs::write(
            repo.git.path().join("config"),
            "[core]\nrepositoryformatversion = 9\n",
        )
        .unwrap();
        let facts = GitFacts::read(repo.path());
        assert_eq!(facts.commit, None);
        assert!(facts.warning.unwrap().contains("cannot be read"));
    }

    #[test]
    fn a_branch_forks_where_it_has_left_the_default_one() {
        let repo = TestRepo::new();
        let (one, two) = (repo.commit("one"), repo.commit("two"));
        let git = Git::open(repo.path());
        // On the default branch nothing has been left.
        assert_eq!(git.fork_point(&two), None);
        let opened = git.repository().unwrap();
        let from = opened.find_commit(oid(&one)).unwrap();
        opened.branch("topic", &from, false).unwrap();
        opened.set_head("refs/heads/topic").unwrap();
        let branch = repo.commit("of the branch");
        assert_eq!(git.fork_point(&branch), Some(one));
        assert_eq!(git.fork_point("no commit"), None);
    }
}
