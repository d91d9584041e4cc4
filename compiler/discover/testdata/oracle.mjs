// Runs oracle.py in the CPython of a pyodide package: node oracle.mjs DIR, the
// names of the files on stdin. The machine's files are below /host there.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

let names = "";
for await (const chunk of process.stdin.setEncoding("utf8")) names += chunk;
const [dir] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${dir}/pyodide.mjs`));
const python = await loadPyodide({ indexURL: `${dir}/` });
python.FS.mkdirTree("/host");
python.mountNodeFS("/host", "/");
python.setStdout({ batched: (line) => process.stdout.write(`${line}\n`) });
python.globals.set("names", names);
python.runPython('import io, sys; sys.stdin = io.StringIO(names); sys.argv = ["oracle.py", "/host"]');
python.runPython(readFileSync(new URL("oracle.py", import.meta.url), "utf8"));
