// The least that is a program: one byte as the first thing in main, which is when a measured start is over,
// and then it waits to be ended. Static, so that no loader's work is measured as the sandbox's.
#include <unistd.h>

int main(void) {
  if (write(STDOUT_FILENO, ".", 1) != 1) return 1;
  pause();
  return 0;
}
