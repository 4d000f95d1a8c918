package shell

// commands is the one list of commands, in the order in which help shows them.
func commands() []*command {
	return []*command{
		&hello, &drives, &driveCmd, &methods, &erase,
		&format,
		&jobs, &jobCmd, &watch, &cancel, &resume,
		&certificateCmd, &signer,
		&write, &messages, &audit,
		&whoami, &version, &help, &onError,
		&poweroff, &reboot, &suspend, &goodbye,
	}
}
