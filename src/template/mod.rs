//! Layer 1: strings and values with `{{ … }}` in them, what they may refer to, and the secrets
//! among that.

mod jinja;
#[cfg(test)]
mod properties;
mod scope;
mod seal;
mod secrets;
mod syntax;
mod text;
mod value;

pub(crate) use scope::Scope;
pub(crate) use secrets::Secrets;
pub(crate) use syntax::Reference;
pub(crate) use text::{Template, TemplateError};
pub(crate) use value::ValueTemplate;
