//! The program: arguments in, a command out.

fn main() {}
