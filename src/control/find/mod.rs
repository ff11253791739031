//! Lists of documents: who is looked for, which page of them, in which order, with which keys.
//!
//! A selector's conditions on `id`, `mac`, `sn`, `uuid`, `ip`, `config`, `plugin` and `tenant_uuid`
//! (of configurations: `id` and `X_type`) are answered by indexes, where they ask for a text or for
//! one of some texts. Where only such conditions are asked, a page begins where it begins and costs
//! what it holds; whatever else is asked is looked up in each document that is left, and no further
//! than to the end of the page, unless the page is to be sorted first.
//!
//! Documents come in the order in which they came to the server. What is given is what matched at
//! the moment when it was looked at: another tenant's device is never in it.

mod compare;
mod params;
mod plan;
mod project;
mod selector;
mod sort;
#[cfg(test)]
mod tests;
mod view;

pub use params::Params;
pub use project::Fields;
pub use selector::{Selector, SelectorError};
pub use sort::Sort;
pub use view::Fielded;

use std::sync::Arc;

use crate::device::{Config, Device};
use crate::directory::{Configs, Directory, Order, Placed};
use plan::Plan;

/// The devices that are asked for, of those of the tenants that the selector names: see
/// [`Params::restrict`].
pub fn devices(directory: &Directory, params: &Params) -> Vec<Arc<Device>> {
    run(plan::devices(directory, &params.selector), directory.lists().order(), params)
}

/// The configurations that are asked for.
pub fn configs(configs: &Configs, params: &Params) -> Vec<Arc<Config>> {
    run(plan::configs(configs, &params.selector), configs.order(), params)
}

fn run<T: Fielded + Placed>(plan: Plan<T>, order: &Order<T>, params: &Params) -> Vec<Arc<T>> {
    match plan {
        Plan::Found(found) => page(found.into_iter(), 0, params),
        Plan::Among { places, is_exact } => {
            // The nth place is known without a look at those before it.
            let skipped = if is_exact && params.sort.is_none() { params.skip } else { 0 };
            let Ok(skip) = u32::try_from(skipped) else { return Vec::new() };
            let Some(first) = places.select(skip) else { return Vec::new() };
            page(order.each(places.range(first..)), skipped, params)
        }
    }
}

/// The page of candidates, of whom some were skipped already.
fn page<T: Fielded>(
    candidates: impl Iterator<Item = Arc<T>>,
    skipped: usize,
    params: &Params,
) -> Vec<Arc<T>> {
    let found = candidates.filter(|item| params.selector.matches(&**item));
    let skip = params.skip - skipped;
    match (&params.sort, params.limit) {
        (Some(sort), limit) => sort.page(found, skip, limit),
        (None, Some(limit)) => found.skip(skip).take(limit).collect(),
        (None, None) => found.skip(skip).collect(),
    }
}
