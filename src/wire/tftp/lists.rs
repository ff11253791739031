//! Lists of a table's places, each in the order of arrival; a place leaves its list in one step.

/// No place.
const NONE: u32 = u32::MAX;

/// Places in the order of arrival, linked by a [`Links`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct List {
    first: u32,
    last: u32,
    len: u32,
}

/// For each place, those before and behind it in the one list that it stands in.
#[derive(Debug, Default)]
pub struct Links(Vec<Link>);

#[derive(Clone, Copy, Debug)]
struct Link {
    before: u32,
    behind: u32,
}

impl Default for List {
    fn default() -> List {
        List { first: NONE, last: NONE, len: 0 }
    }
}

impl List {
    /// The place that came first.
    pub fn first(&self) -> Option<u32> {
        (self.len > 0).then_some(self.first)
    }

    /// How many places.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Links {
    /// Puts a place, which stands in no list of these links, behind all others of `list`.
    pub fn push(&mut self, list: &mut List, place: u32) {
        let needed = place as usize + 1;
        if self.0.len() < needed {
            self.0.resize(needed, Link { before: NONE, behind: NONE });
        }
        self.0[place as usize] = Link { before: list.last, behind: NONE };
        match self.0.get_mut(list.last as usize) {
            Some(last) => last.behind = place,
            None => list.first = place,
        }
        list.last = place;
        list.len += 1;
    }

    /// Takes a place out of `list`, where it stands.
    pub fn remove(&mut self, list: &mut List, place: u32) {
        let Link { before, behind } = self.0[place as usize];
        match self.0.get_mut(before as usize) {
            Some(link) => link.behind = behind,
            None => list.first = behind,
        }
        match self.0.get_mut(behind as usize) {
            Some(link) => link.before = before,
            None => list.last = before,
        }
        list.len -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_and_go_in_any_order() {
        let mut links = Links::default();
        let (mut lists, mut orders) = ([List::default(); 2], [Vec::new(), Vec::new()]);
        let mut state = 1_u32;
        for step in 0..10_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (place, which) = ((state >> 16) % 12, usize::from(state >> 31 == 1));
            match orders.iter().position(|order: &Vec<u32>| order.contains(&place)) {
                Some(at) => {
                    links.remove(&mut lists[at], place);
                    orders[at].retain(|other| *other != place);
                }
                None => {
                    links.push(&mut lists[which], place);
                    orders[which].push(place);
                }
            }
            for (list, order) in lists.iter().zip(&orders) {
                assert_eq!(list.first(), order.first().copied(), "{step}");
                assert_eq!((list.len(), list.is_empty()), (order.len(), order.is_empty()));
            }
        }
        for (list, order) in lists.iter_mut().zip(orders) {
            for place in order {
                assert_eq!(list.first(), Some(place));
                links.remove(list, place);
            }
            assert_eq!(list.first(), None);
        }
    }
}
