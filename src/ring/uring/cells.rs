//! Memory that the kernel reads and writes stays where it is until the cells are dropped.

use std::ptr::NonNull;

/// Values at addresses that do not change, reached only through pointers.
#[derive(Debug)]
pub(super) struct Cells<T>(Vec<NonNull<T>>);

impl<T> Cells<T> {
    /// As many cells as `make` is called.
    pub fn new(count: usize, make: impl Fn() -> T) -> Self {
        let mut cells = Self(Vec::with_capacity(count));
        for _ in 0..count {
            cells.push(make());
        }
        cells
    }

    /// Adds a cell and returns its number.
    pub fn push(&mut self, value: T) -> usize {
        self.0.push(NonNull::from(Box::leak(Box::new(value))));
        self.0.len() - 1
    }

    /// Cells.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Where cell `number` lies. Nobody but the kernel may hold on to it.
    pub fn at(&self, number: usize) -> *mut T {
        self.0[number].as_ptr()
    }

    /// Gives the memory up for good, for when the kernel may still have it.
    pub fn leak(&mut self) {
        self.0.clear();
    }
}

impl<T> Drop for Cells<T> {
    fn drop(&mut self) {
        for cell in self.0.drain(..) {
            // SAFETY: each pointer came from `Box::leak` and is dropped once, here.
            drop(unsafe { Box::from_raw(cell.as_ptr()) });
        }
    }
}
