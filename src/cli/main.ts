#!/usr/bin/env node
/** The command `weir`: checks what it runs on before it loads anything that would fail without a word of sense. */
const oldest = 24;
const found = Number(process.versions.node.split('.')[0]);

if (found < oldest) {
  process.stderr.write(
    `weir: it needs Node.js ${oldest} or newer, and this is ${process.versions.node} (WEIR_CLI_USAGE)\n  to do: install Node.js ${oldest}, or run the one of the project: npx weir\n`,
  );
  process.exitCode = 2;
} else {
  // Half of what a short command takes is compiling, of code that is the same every time.
  const { enableCompileCache } = await import('node:module');
  const { compiledFolder } = await import('./compiled-folder.ts');
  enableCompileCache(compiledFolder());
  const { run } = await import('./program.ts');
  process.exitCode = await run(process.argv.slice(2));
}
