package storage

// Whole returns the database as it is: a view of it, which embeds it to show somebody
// less, has the method too. What reads the whole database, such as its indexes, asks
// for it by name.
func (db *Database) Whole() *Database { return db }
