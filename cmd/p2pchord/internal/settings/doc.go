// Package settings gives flags their values: the command line comes before the environment, that
// before the config file, and that before the defaults.
//
// Complete reads the environment and the file. Keys of the file that no flag stands for are
// refused, with the line and the nearest name. The package also knows where a user's data and
// config are by default. It doesn't know what a flag means, and writes nothing. It starts no
// goroutine and holds no lock.
package settings
