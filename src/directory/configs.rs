//! Configurations in memory: layers flattened on demand, shared ones once, stale ones never.

use ahash::RandomState;
use arc_swap::{ArcSwap, ArcSwapOption};
use dashmap::DashMap;
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::children::Children;
use super::index::{Index, Mark};
use super::order::{Order, Places};
use super::postings::Postings;
use super::signs::{ByName, ByType};
use super::{Dirty, Key};
use crate::device::{Config, ConfigId, Document, Known, Place, Revision, Stale, Text, raw};
use crate::limits;

/// The role of the template of new phones' configurations.
const AUTOCREATE: &str = "autocreate";

/// What a flattened configuration depends on: equal stamps, equal settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stamp {
    /// Counts the changes of layers that others lie on.
    pub epoch: u64,
    /// The configuration's own revision.
    pub revision: Revision,
}

/// All configurations, and the server's own settings below them.
///
/// INVARIANT: `epoch` counts up after every change of a configuration that has children, of the
/// server's settings and of tenants' keys; so (epoch, own revision) names the flattened settings of
/// a configuration.
#[derive(Debug)]
pub struct Configs {
    configs: Index<ByName>,
    order: Order<Config>,
    types: Postings<ByType>,
    children: Children,
    base: ArcSwap<Document>,
    epoch: AtomicU64,
    revisions: AtomicU64,
    /// Settings of configurations that others lie on, with the stamp they were made at.
    flats: DashMap<ConfigId, (Stamp, Arc<Document>), RandomState>,
    templates: Mutex<BTreeSet<ConfigId>>,
    template: ArcSwapOption<ConfigId>,
    known: Mutex<Known>,
    dirty: Arc<Dirty>,
}

impl Configs {
    /// No configurations yet; `base` holds the server's own settings, which all others lie on.
    pub fn new(base: Document, dirty: Arc<Dirty>) -> Self {
        Self {
            configs: Index::default(),
            order: Order::default(),
            types: Postings::default(),
            children: Children::default(),
            base: ArcSwap::from_pointee(base),
            epoch: AtomicU64::new(1),
            revisions: AtomicU64::new(0),
            flats: DashMap::default(),
            templates: Mutex::default(),
            template: ArcSwapOption::empty(),
            known: Mutex::default(),
            dirty,
        }
    }

    /// The configuration of this name.
    pub fn get(&self, id: &str) -> Option<Arc<Config>> {
        self.configs.first(id)
    }

    /// Finds many at once; `found` is told the number of each name that is there.
    pub fn find_all<'n>(
        &self,
        names: impl Fn(usize) -> Option<&'n str>,
        count: usize,
        found: impl FnMut(usize, &Config),
    ) {
        self.configs.find_all(names, count, found);
    }

    /// All configurations, in the order of their names.
    pub fn all(&self) -> Vec<Arc<Config>> {
        let mut all = self.configs.all();
        all.sort_unstable_by(|left, right| left.id.cmp(&right.id));
        all
    }

    /// The configurations in the order in which they came.
    pub fn order(&self) -> &Order<Config> {
        &self.order
    }

    /// Where the configurations with this `X_type` are.
    pub fn with_type(&self, kind: &str) -> Arc<Places> {
        self.types.get(kind, &self.order)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.configs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The template of new phones' configurations: role `autocreate`, of several the least name.
    pub fn template(&self) -> Option<Arc<Config>> {
        self.template.load().as_ref().and_then(|id| self.get(id))
    }

    /// The server's own settings.
    pub fn base(&self) -> Arc<Document> {
        self.base.load_full()
    }

    /// Replaces the server's own settings; everything is flattened anew.
    pub fn set_base(&self, base: Document) {
        self.base.store(Arc::new(base));
        self.outdate();
    }

    /// Makes everything that was made from configurations outdated.
    pub fn outdate(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    /// Counts the changes of shared layers.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// What the flattened settings of a configuration depend on; None for an unknown one.
    pub fn stamp(&self, id: &str) -> Option<Stamp> {
        let epoch = self.epoch();
        let revision = self.configs.first(id)?.revision;
        Some(Stamp { epoch, revision })
    }

    /// Marks what is now said of a configuration's name.
    pub fn mark(&self, id: &str) -> Mark {
        self.configs.mark(id)
    }

    /// Whether the same is said still.
    pub fn stands(&self, mark: Mark) -> bool {
        self.configs.stands(mark)
    }

    /// Makes room for so many more.
    pub fn reserve(&self, count: usize) {
        self.configs.reserve(count);
    }

    /// Takes a configuration that the store holds; it is not written again.
    pub fn restore(&self, config: Config) {
        self.restore_all(vec![config]);
    }

    /// Takes configurations that the store holds; they are not written again.
    pub fn restore_all(&self, configs: Vec<Config>) {
        let mut revision = self.revisions.fetch_add(configs.len() as u64, Ordering::Relaxed);
        let number = |(mut config, place): (Config, Place)| {
            revision += 1;
            config.revision = Revision(revision);
            config.place = place;
            Arc::new(config)
        };
        let places = self.order.take(configs.len());
        let configs: Vec<_> = configs.into_iter().zip(places).map(number).collect();
        self.order.put_all(&configs);
        self.types.add_all(&configs, &self.order);
        let is_template = |config: &&Arc<Config>| config.role.as_deref() == Some(AUTOCREATE);
        for old in self.configs.put_all(&configs) {
            self.unlist(&old);
            self.children.remove(&old);
        }
        self.children.add_all(&configs);
        let mut templates = None;
        for template in configs.iter().filter(is_template) {
            let templates = templates.get_or_insert_with(|| self.lock());
            templates.insert(template.id.clone());
            self.publish(templates);
        }
        // Once for all: what was flattened before has another epoch.
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    /// Takes a configuration. With a `base`, the stored one must still be of that revision;
    /// without, there must be none.
    ///
    /// # Errors
    /// [`Stale`] when that is not so.
    pub fn put(&self, config: Config, base: Option<Revision>) -> Result<Arc<Config>, Stale> {
        let mut templates = self.lock();
        let old = self.get(&config.id);
        if old.as_ref().map(|old| old.revision) != base {
            return Err(Stale);
        }
        if let Some(old) = old.filter(|old| old.same_document(&config)) {
            return Ok(old);
        }
        let config = self.place(&mut templates, config);
        self.dirty.mark(Key::Config(config.id.clone()));
        Ok(config)
    }

    /// Removes a configuration; references to it stay.
    pub fn remove(&self, id: &str) -> Option<Arc<Config>> {
        self.remove_at(id, None).ok().flatten()
    }

    /// The same; with a revision, it must still be of that one.
    ///
    /// # Errors
    /// [`Stale`] when that is not so.
    pub fn remove_at(
        &self,
        id: &str,
        seen: Option<Revision>,
    ) -> Result<Option<Arc<Config>>, Stale> {
        let mut templates = self.lock();
        let Some(old) = self.configs.first(id) else { return Ok(None) };
        if seen.is_some_and(|seen| seen != old.revision) {
            return Err(Stale);
        }
        self.configs.remove(&old);
        self.unlist(&old);
        self.children.remove(&old);
        self.flats.remove(id);
        templates.remove(id);
        self.publish(&templates);
        self.bump(id);
        self.dirty.mark(Key::Config(old.id.clone()));
        Ok(Some(old))
    }

    /// The settings of a configuration over those of its parents over the server's own (spec
    /// section 2.7): depth first, parents in their order, each once. None for an unknown one.
    pub fn flatten(&self, id: &str) -> Option<Document> {
        let config = self.get(id)?;
        match &*config.parent_ids {
            // Most phones' configurations: a leaf on one shared layer.
            [parent] if self.children.count(id) == 0 => {
                let below = self.shared(parent).unwrap_or_else(|| self.base());
                let mut flat = (*below).clone();
                raw::overlay(&mut flat, config.raw_config());
                Some(flat)
            }
            _ => Some(self.walk(&config)),
        }
    }

    /// This configuration and all that lie on it, near ones first; none where that may be more
    /// than `most`: it costs no more then.
    pub fn family(&self, id: &str, most: usize) -> Option<Vec<ConfigId>> {
        let mut found = vec![Text::from(id)];
        let mut known: HashSet<Text> = found.iter().cloned().collect();
        let mut queue = VecDeque::from([Text::from(id)]);
        while let Some(parent) = queue.pop_front() {
            if found.len() + self.children.count(&parent) > most {
                return None;
            }
            for child in self.children.names(&parent) {
                if known.insert(child.clone()) {
                    found.push(child.clone());
                    queue.push_back(child);
                }
            }
        }
        Some(found)
    }

    /// The flattened settings of a layer that others lie on, made once an epoch.
    fn shared(&self, id: &str) -> Option<Arc<Document>> {
        let stamp = self.stamp(id)?;
        if let Some(flat) = self.flats.get(id).filter(|flat| flat.0 == stamp) {
            return Some(Arc::clone(&flat.1));
        }
        let config = self.get(id)?;
        let flat = Arc::new(self.walk(&config));
        if self.flats.len() >= limits::FLAT_CONFIGS_MAX {
            self.flats.clear();
        }
        self.flats.insert(config.id.clone(), (stamp, Arc::clone(&flat)));
        Some(flat)
    }

    fn walk(&self, config: &Config) -> Document {
        let mut flat = (*self.base()).clone();
        let mut visited = HashSet::from([config.id.clone()]);
        // A stack of its own: chains may be as long as an operator likes.
        let mut stack = vec![(Arc::new(config.clone()), 0)];
        while let Some((config, next)) = stack.last_mut() {
            let parent = config.parent_ids.get(*next).cloned();
            *next += 1;
            match parent {
                Some(parent) if visited.insert(parent.clone()) => {
                    stack.extend(self.get(&parent).map(|parent| (parent, 0)));
                }
                Some(_) => {}
                None => {
                    raw::overlay(&mut flat, config.raw_config());
                    stack.pop();
                }
            }
        }
        flat
    }

    fn place(&self, templates: &mut BTreeSet<ConfigId>, mut config: Config) -> Arc<Config> {
        config.revision = self.next_revision();
        self.known.lock().unwrap_or_else(PoisonError::into_inner).share_config(&mut config);
        let id = config.id.clone();
        let old = self.configs.first(&id);
        config.place = old.as_ref().map_or_else(|| self.order.take_one(), |old| old.place);
        let config = Arc::new(config);
        if let Some(old) = &old {
            self.types.remove(old);
            self.children.remove(old);
        }
        self.order.put(&config);
        self.types.add(&config, &self.order);
        self.configs.put(old.as_deref(), &config);
        self.children.add(&config);
        self.bump(&id);
        let changed = match config.role.as_deref() {
            Some(AUTOCREATE) => templates.insert(id),
            _ => templates.remove(&id),
        };
        if changed {
            self.publish(templates);
        }
        config
    }

    /// While the configuration still stands at its place.
    fn unlist(&self, old: &Config) {
        self.types.remove(old);
        self.order.leave(old.place);
    }

    fn next_revision(&self) -> Revision {
        Revision(self.revisions.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn bump(&self, id: &str) {
        if self.children.count(id) > 0 {
            self.epoch.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn publish(&self, templates: &BTreeSet<ConfigId>) {
        self.template.store(templates.first().cloned().map(Arc::new));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<ConfigId>> {
        self.templates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
