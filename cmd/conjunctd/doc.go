// Command conjunctd is Conjunct's daemon: the REST API, the store, and the controller that keeps every bridge equal to what is wanted.
//
//	conjunctd serve [--config FILE]     run
//	conjunctd config [--config FILE]    print the configuration as it would be used, and check it
//
// Every key of the configuration is also a flag (--api-listen) and a variable (CONJUNCT_API_LISTEN); flags win over variables,
// variables over the file, the file over the defaults.
package main
