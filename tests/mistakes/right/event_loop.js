// Right: Node. A socket is paused while its client waits for an answer. Usage: event_loop.js PORT DELAY
const net = require('net');
const [port, delay] = process.argv.slice(2).map(Number);
net.createServer({ allowHalfOpen: true }, (sock) => {
    const address = sock.remoteAddress + ':' + sock.remotePort;
    let closed = false;
    const leave = () => {
        if (!closed) console.log('Connection from ' + address + ' closed.');
        closed = true;
        sock.end();
    };
    console.log('Accept new connection from ' + address + '...');
    sock.write('Welcome!');
    sock.on('error', leave);
    let busy = false;
    const next = () => {
        if (busy || closed) return;
        const data = sock.read(Math.min(1024, sock.readableLength) || undefined);
        if (data === null) return;
        busy = true;
        setTimeout(() => {
            busy = false;
            if (data.toString('latin1') === 'exit') return leave();
            sock.write(Buffer.concat([Buffer.from('Hello, '), data, Buffer.from('!')]));
            if (sock.readableEnded) return leave();
            next();
        }, delay * 1000);
    };
    sock.on('readable', next);
    sock.on('end', () => setTimeout(() => { if (!busy) leave(); }, delay * 1000));
}).listen(port, '127.0.0.1', () => console.log('Waiting for connection...'));
