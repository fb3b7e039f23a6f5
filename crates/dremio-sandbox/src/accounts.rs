//! The users of the stand-in (contract §1.1, §3.1). Passwords are kept in clear: they are demo
//! passwords.

use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};

use crate::{clock, ids};

/// A user. Names compare without regard to case; the stored spelling is the canonical one.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) created_at: Timestamp,
    password: String,
}

/// The last name of users that come with the sandbox.
const DEMO_LAST_NAME: &str = "Demo";

impl User {
    /// A user as Dremio's set-up page makes one, which asks for all names.
    fn demo(name: &str, password: &str) -> Self {
        Self {
            first_name: Some(name.to_owned()),
            last_name: Some(DEMO_LAST_NAME.to_owned()),
            email: Some(format!("{name}@example.test")),
            ..Self::new(name, password)
        }
    }

    pub(crate) fn new(name: &str, password: &str) -> Self {
        Self {
            id: ids::for_name("user", &[name.to_owned()]),
            name: name.to_owned(),
            first_name: None,
            last_name: None,
            email: None,
            created_at: clock::now(),
            password: password.to_owned(),
        }
    }

    pub(crate) fn has_password(&self, password: &str) -> bool {
        self.password == password
    }
}

#[derive(Debug)]
pub(crate) struct Accounts {
    users: Mutex<Vec<User>>,
}

impl Accounts {
    pub(crate) fn new(users: &[(String, String)]) -> Self {
        let accounts = Self { users: Mutex::default() };
        for (name, password) in users {
            accounts.put(User::demo(name, password));
        }
        accounts
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    pub(crate) fn find(&self, name: &str) -> Option<User> {
        let wanted = name.to_lowercase();
        let users = self.lock();
        users.iter().find(|user| user.name.to_lowercase() == wanted).cloned()
    }

    pub(crate) fn find_by_id(&self, id: &str) -> Option<User> {
        self.lock().iter().find(|user| user.id == id).cloned()
    }

    /// Adds a user, or replaces the one of that name.
    pub(crate) fn put(&self, user: User) {
        let wanted = user.name.to_lowercase();
        let mut users = self.lock();
        users.retain(|known| known.name.to_lowercase() != wanted);
        users.push(user);
    }

    /// Adds the first user; `false` if there is one already.
    pub(crate) fn put_first(&self, user: User) -> bool {
        let mut users = self.lock();
        let first = users.is_empty();
        if first {
            users.push(user);
        }
        first
    }

    /// Changes a password; tokens live on, as in Dremio (contract §2). `false` if there is no such
    /// user.
    pub(crate) fn set_password(&self, name: &str, password: &str) -> bool {
        let wanted = name.to_lowercase();
        let mut users = self.lock();
        let found = users.iter_mut().find(|user| user.name.to_lowercase() == wanted);
        found.is_some_and(|user| {
            password.clone_into(&mut user.password);
            true
        })
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<User>> {
        self.users.lock()
    }
}
