//! Layer 1: strings and values with `{{ … }}` in them, what they may refer to, and the secrets
//! among that.

mod escapes;
mod forms;
mod jinja;
#[cfg(test)]
mod properties;
mod scope;
mod seal;
mod secrets;
mod spelling;
mod syntax;
#[cfg(test)]
mod testing;
mod text;
mod value;

pub(crate) use scope::Scope;
pub(crate) use secrets::Secrets;
pub(crate) use syntax::Reference;
pub(crate) use text::{Template, TemplateError};
pub(crate) use value::ValueTemplate;
