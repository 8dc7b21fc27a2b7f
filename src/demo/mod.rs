//! Layer 6: a small question-answering deployment, served over loopback HTTP, to try every command
//! against.

mod answer;
mod client;
mod completion;
mod corpus;
mod embed;
mod error;
mod latency;
mod pipeline;
mod project;
mod prompt;
mod release;
mod repository;
mod rerank;
mod retrieve;
mod routes;
mod server;
mod text;

pub(crate) use project::{project_files, release_files};
pub(crate) use release::Release;
pub(crate) use repository::{Repository, StoryError};
pub(crate) use server::{DEFAULT_PORT, DemoServer};
