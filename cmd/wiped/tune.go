package main

import "wiped/engine"

// tune changes settings of the engine that no flag has: here, none. A build with the tag impatient changes some, and so do tests.
var tune = func(c engine.Config) engine.Config { return c }
