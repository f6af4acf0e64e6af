// Words that the testee's behaviours share.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace testee {

using Arguments = std::vector<std::string>;

/// The n-th argument as a number, `otherwise` where it is missing; ends the process where it is no number.
long number_argument(const Arguments& arguments, std::size_t n, long otherwise);

/// One line on stdout, written at once and whole.
void say(const std::string& line);
void write_all(int fd, const std::string& text);

/// Ends the process with code 70 and the sentence on stderr.
[[noreturn]] void die(const std::string& sentence);
[[noreturn]] void pause_forever();
void wait_for(std::chrono::milliseconds time);

/// Enters the sandbox where a filter was passed; without one the policy is off or herd-exec installs it.
void enter();
void ready();
/// enter(), then ready(): what a well-behaved worker does.
void start_up();

/// ${PORT}; ends the process where there is none.
int own_port();
/// The passed listener; ends the process where there is none.
int passed_listener();

/// "EPERM", and "ok" for 0.
std::string errno_name(int value);
/// "ok" where a call's result is no error, its errno's name otherwise.
std::string outcome(long result);

std::string variable(const char* name);
/// A file's text, "" where it can't be read.
std::string text_of(const std::string& path);

}  // namespace testee
