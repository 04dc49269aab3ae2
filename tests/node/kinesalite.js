// Kinesalite on 127.0.0.1 and a free port; ends with its standard input, which the test holds.
const kinesalite = require("kinesalite");

const server = kinesalite({ createStreamMs: 0, updateStreamMs: 0, deleteStreamMs: 0 });
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
