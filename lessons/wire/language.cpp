#include "language.hpp"

#include <cstdlib>
#include <map>
#include <regex>
#include <string_view>
#include <utility>
#include <vector>

bool is_chinese()
{
    for (const char* name : {"LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"}) {
        if (const char* value = std::getenv(name); value != nullptr && *value != '\0') {
            return std::string_view(value).starts_with("zh");
        }
    }
    return false;
}

namespace
{

const std::map<std::string_view, std::string_view> chinese = {
    {"a whole session, from the handshake to TIME_WAIT", "一次完整的会话，从三次握手到 TIME_WAIT"},
    {"connect returns when the second segment has come, accept when the third has; kernels send "
     "them.\n"
     "Each name acknowledges the answer before it; in the end FIN and ACK pass each way.",
     "第二个报文段（segment）到达时 connect 返回，第三个到达时 accept "
     "返回；这些报文段由内核发送。\n"
     "每个名字都顺带确认前一个回答；最后两个方向上各有一次 FIN 和 ACK。"},
    {"tutorial 3.1, 5; notebook", "教程 3.1、5；notebook"},
    {"one packet unfolded", "把一个分组逐层拆开"},
    {"Three bytes of data travel in 69: each layer has put its header before what it was given.\n"
     "The receiver takes them off again, in the other order. That is encapsulation.",
     "三个字节的数据，在路上占 69 个字节：每一层都在上一层交来的内容前面加了自己的首部。\n"
     "接收方按相反的顺序把首部一个个去掉。这就是封装。"},
    {"tutorial 1.1 to 1.3", "教程 1.1 到 1.3"},
    {"two hosts on a virtual wire: who has this address?", "虚拟网线上的两台主机：谁有这个地址？"},
    {"Before the first segment can leave, the client's machine asks everybody for the card with "
     "that\n"
     "IP address. The answer is a MAC address, and it stands in the frame's link header.",
     "第一个报文段发出之前，客户端的机器先问所有人：哪块网卡有这个 IP 地址？\n"
     "回答是一个 MAC 地址，它就写在帧的链路层首部里。"},
    {"tutorial 1.2, 2", "教程 1.2、2"},
    {"a closed port", "没有程序监听的端口"},
    {"Nobody listens, and the server's kernel says so at once, with RST.\n"
     "connect returns the reason: Connection refused.",
     "没有程序在监听，服务器的内核立刻用 RST 告知。\n"
     "connect 失败，给出的原因是 Connection refused（连接被拒绝）。"},
    {"tutorial 5, note 1", "教程 5，注意点 1"},
    {"the handshake's first segment is lost", "三次握手的第一个报文段丢失"},
    {"Nothing comes back, and after a second the client's kernel sends the same segment again.\n"
     "The program notices only that connect took longer.",
     "没有任何回音，一秒之后客户端的内核把同一个报文段再发一遍。\n"
     "程序只觉得 connect 用的时间长了一些。"},
    {"tutorial 3.1", "教程 3.1"},
    {"the backlog is full", "等待队列（backlog）满了"},
    {"One client is served, one waits in the backlog, and the third one's SYN is thrown away.\n"
     "It looks as if it had been lost, and is repeated after a second.",
     "一个客户端正在得到服务，一个在等待队列里，第三个的 SYN 被丢弃。\n"
     "看上去就像丢失了一样，一秒之后会重发。"},
    {"tutorial 3.1; notebook, listen", "教程 3.1；notebook 的 listen"},
    {"a data segment is lost", "一个携带数据的报文段丢失"},
    {"Nobody acknowledges the answer, so that the server's kernel sends it again.\n"
     "Both programs make the same calls as ever; the client's recv takes longer.",
     "没有人确认这个回答，所以服务器的内核把它再发一遍。\n"
     "两个程序的调用和平时一样，只是客户端的 recv 用的时间长了。"},
    {"tutorial 3", "教程 3"},
    {"5,000 bytes in one send", "一次 send 发送 5,000 字节"},
    {"One send becomes four segments, as large as an Ethernet frame allows.\n"
     "recv(1024) takes them in pieces that are neither the send nor the segments.",
     "一次 send 变成了四个报文段，除最后一个以外，都是以太网帧允许的最大长度。\n"
     "recv(1024) 一段段地取走它们，既不对应 send，也不对应报文段。"},
    {"tutorial 1.3, 3", "教程 1.3、3"},
    {"three sends received as one", "三次 send，一次收到"},
    {"Each send leaves as a segment of its own, and one recv returns them all.\n"
     "TCP carries bytes, not messages: nothing tells where one ended.",
     "每次 send 都作为单独的报文段发出，一次 recv 却把它们全部返回了。\n"
     "TCP 传送的是字节，不是消息：没有什么标明一条消息到哪里结束。"},
    {"a name arrives in pieces", "一个名字分几次到达"},
    {"The client sends Ya and, a moment later, m. For the server these are two messages:\n"
     "recv returns what has come, and nothing says that more belongs to it.",
     "客户端先发送 Ya，过一会儿再发送 m。对服务器来说这是两条消息：\n"
     "recv 返回已经到达的内容，没有什么说明后面还有。"},
    {"three clients at once, with a thread for each and without",
     "三个客户端同时到来：各有一个线程，和没有线程"},
    {"With a thread for each client, all three pauses pass at the same time.\n"
     "Without, the second client is connected, and served when the first one has gone.",
     "每个客户端有一个线程时，三个停顿同时进行。\n"
     "没有线程时，第二个客户端已经连接上，但要等第一个离开才得到服务。"},
    {"tutorial 4.2; notebook", "教程 4.2；notebook"},
    {"one direction ends, the other goes on", "半关闭：一个方向结束，另一个方向继续"},
    {"shutdown sends a FIN, and the client can still receive: its answer comes after it.\n"
     "Each direction of a connection ends by itself.",
     "shutdown 发送 FIN，之后客户端仍然能接收：回答在 FIN 之后才来。\n"
     "连接的两个方向各自结束。"},
    {"notebook, recv until the end", "notebook，一直 recv 到结束"},
    {"a client is killed in the middle", "客户端中途被杀死"},
    {"The program is gone, and its kernel sends the FIN all the same.\n"
     "The server still answers; nobody is there to take it, and RST says so.",
     "程序没有了，它的内核照样发送 FIN。\n"
     "服务器仍然发出回答；已经没有人接收，RST 说明了这一点。"},
    {"tutorial 5, note 9", "教程 5，注意点 9"},
    {"closed with bytes unread", "还有字节没读就关闭"},
    {"The client closes, and has not read the welcome: RST goes out where FIN is usual.\n"
     "It means that data was lost, and the server's recv fails.",
     "客户端没有读欢迎语就关闭：本来发送 FIN 的地方，发送的是 RST。\n"
     "它表示有数据丢失了，服务器的 recv 因此失败。"},
    {"tutorial 5, note 8", "教程 5，注意点 8"},
    {"the greeting over datagrams", "用数据报（UDP）来问候"},
    {"No handshake, no acknowledgement, no end: each datagram stands alone.\n"
     "sendto says each time where it goes to, and recvfrom where it came from.",
     "没有握手，没有确认，也没有结束：每个数据报都是独立的。\n"
     "sendto 每次都要说明发到哪里，recvfrom 每次都说明来自哪里。"},
    {"tutorial 1.2, 5 (note 4), 6", "教程 1.2、5（注意点 4）、6"},
    {"a datagram to a closed port", "发往没有程序监听的端口的数据报"},
    {"The answer is not RST, which is TCP's, but an ICMP message.\n"
     "The client does not hear of it: its socket is connected to nobody, so recvfrom waits.",
     "回答不是 RST（那是 TCP 的），而是一个 ICMP 报文。\n"
     "客户端不会得知：它的套接字没有与对方 connect，所以 recvfrom 一直等待。"},
    {"tutorial 6", "教程 6"},
    {"The segment that carries \"Yam\":", "携带 \"Yam\" 的报文段："},
    {"The question:", "询问："},
    {"States in brackets follow from the segments; the others, Linux was asked for.",
     "括号里的状态由报文段推出；其余的状态是向 Linux 查询的。"},
    {"Calls are not seen: this system does not let a program be watched (ptrace).",
     "看不到程序的调用：这个系统不允许观察程序（ptrace）。"},
    {"Nothing more came for 3 seconds, and the wire gave up waiting.",
     "三秒钟没有任何动静，不再等了。"},
    {"The scene took longer than 15 seconds, and the wire gave up waiting.",
     "这一幕超过了 15 秒，不再等了。"},
    {"RST came from the server's side: its socket was closed already, and there was nobody to take "
     "what the client sent.",
     "服务器一侧发来了 RST：它的套接字已经关闭，没有人接收客户端发送的内容。"},
    {"RST came from the server's side, where FIN was due: its socket was closed while there was "
     "something in it that it had not received.",
     "本该是 FIN，服务器一侧发来的却是 RST：套接字关闭时，里面还有没接收的内容。"},
    {"the client would have come to the server: connect.", "客户端应该来连接服务器：connect。"},
    {"the server would have listened at 127.0.0.1:9999, and its kernel answered with SYN ACK.",
     "服务器应该在 127.0.0.1:9999 监听，由它的内核用 SYN ACK 回答。"},
    {"the server would have listened at 127.0.0.1:9999.", "服务器应该在 127.0.0.1:9999 监听。"},
    {"the server's kernel would have answered: SYN ACK.", "服务器的内核应该回答：SYN ACK。"},
    {"the client would have closed: FIN.", "客户端应该关闭：FIN。"},
    {"the server would have closed, too: FIN.", "服务器也应该关闭：FIN。"},
    {"the client would have closed, too: FIN.", "客户端也应该关闭：FIN。"},
    {"The client would have sent a name.", "客户端应该发送一个名字。"},
    {"The server would have welcomed the first client.", "服务器应该欢迎第一个客户端。"},
    {"The client would have sent a name, and been killed.", "客户端应该发送一个名字，然后被杀死。"},
    {"The server would have sent its answer, and RST come back.",
     "服务器应该发出回答，然后收到 RST。"},
    {"The server would have closed its connection.", "服务器应该关闭连接。"},
    {"A packet would have been lost, and sent again.", "应该丢失一个分组，然后重发。"},
    {"The client would have come to the server.", "客户端应该来连接服务器。"},
    {"With the notebook's client in its place: make wire SERVER='./server --port {port} --delay "
     "{delay}'",
     "想用 notebook 的客户端代替它：make wire SERVER='./server --port {port} --delay {delay}'"},
    {"With the notebook's server in its place: make wire CLIENT='./client --port {port}'",
     "想用 notebook 的服务器代替它：make wire CLIENT='./client --port {port}'"},
};

/// Sentences in which something is filled in: what stands in brackets in the first, stands at $1,
/// $2 and so on in the second.
const std::vector<std::pair<const char*, const char*>> filled_in = {
    {"Next[,:] (.+)", "接下来，$1"},
    {"(.+) waits in (.+), and has sent nothing since (.+) ms\\.",
     "$1 停在 $2 里，从 $3 毫秒起再没有发送什么。"},
    {"(.+) waits in (.+), and has sent nothing\\.", "$1 停在 $2 里，什么也没有发送。"},
    {"(.+) is at work, or waits for none of its sockets, and has sent nothing since (.+) ms\\.",
     "$1 正在忙，或者等的不是它的套接字，从 $2 毫秒起再没有发送什么。"},
    {"(.+) is at work, or waits for none of its sockets, and has sent nothing\\.",
     "$1 正在忙，或者等的不是它的套接字，什么也没有发送。"},
    {"(.+) listens at (.+), and not at port 9999\\.", "$1 在 $2 监听，而不是在端口 9999。"},
    {"(.+) (ended, with status .+|was ended by a signal: .+), and made no call on a socket; it "
     "said: (.+)",
     "$1 $2，没有调用过任何套接字函数；它的输出：$3"},
    {"(.+) (ended, with status .+|was ended by a signal: .+), and made no call on a socket\\.",
     "$1 $2，没有调用过任何套接字函数。"},
    {"(.+) (ended, with status [0-9]+|was ended by a signal: [^;]+); it said: (.+)",
     "$1 $2；它的输出：$3"},
    {"(.+) (ended, with status [0-9]+|was ended by a signal: [^;]+)\\.", "$1 $2。"},
    {"ended, with status ([0-9]+)", "结束了，退出状态为 $1"},
    {"was ended by a signal: (.+)", "被信号终止：$1"},
    {"What the server sent is the notebook's for (.+); then came (.+), where the welcome is "
     "(.+)\\.",
     "服务器发送的内容，前 $1与 notebook 相同；接着来的是 $2，而欢迎语是 $3。"},
    {"What the server sent is the notebook's for (.+); then came (.+), where nothing of the kind "
     "belongs\\.",
     "服务器发送的内容，前 $1与 notebook 相同；接着来的是 $2，那里不该有这些。"},
    {"What the server sent is the notebook's for (.+); then came (.+), where the answer is (.+)\\.",
     "服务器发送的内容，前 $1与 notebook 相同；接着来的是 $2，而回答应该是 $3。"},
    {"([0-9]+) bytes?", "$1 字节"},
    {"the client would have come to port 9999; it came to (.+)\\.",
     "客户端应该连接端口 9999；它连接的是 $1。"},
    {"the server would have sent the rest of (.+), (.+)\\.",
     "服务器应该发送 $1（共 $2）剩下的部分。"},
    {"the server would have sent (.+), (.+)\\.", "服务器应该发送 $1，$2。"},
    {"the client would have sent (.+), (.+)\\.", "客户端应该发送 $1，$2。"},
    {"(.+) would have waited in (.+)\\.", "$1 应该在 $2 里等待。"},
    {"(.+) would have ended\\.", "$1 应该结束。"},
    {"(.+) printed without end, over (.+), and was stopped\\.",
     "$1 没完没了地输出，超过了 $2，已被停止。"},
    {"It went on without end, and was stopped after (.+) calls and segments\\.",
     "它没完没了，$1 次调用和报文段之后已被停止。"},
    {"(.+) started processes or threads without end, over (.+), and was stopped\\.",
     "$1 没完没了地启动进程或线程，超过了 $2 个，已被停止。"},
    {"([0-9]+) more rows are not shown\\.", "还有 $1 行没有显示。"},
    {"in all (.+)", "总共 $1"},
    {"Answers came: (.+)\\.", "收到回答：$1。"},
    {"to ([^,]+) after ([0-9]+) ms, (to .+)", "$1 在 $2 毫秒后，$3"},
    {"to ([^,]+) after ([0-9]+) ms", "$1 在 $2 毫秒后"},
    {"and the rest, in all (.+)", "其余部分没有显示，整个帧共 $1"},
    {"([^ ]+) and (.+)", "$1 和 $2"},
};

} // namespace

std::string in_language(const std::string& english)
{
    if (!is_chinese()) {
        return english;
    }
    if (const auto found = chinese.find(english); found != chinese.end()) {
        return std::string(found->second);
    }
    for (const auto& [sentence, translation] : filled_in) {
        std::smatch found;
        if (std::regex_match(english, found, std::regex(sentence))) {
            std::string text = translation;
            for (std::size_t i = found.size() - 1; i > 0; --i) {
                const std::string place = "$" + std::to_string(i);
                text.replace(text.find(place), place.size(), in_language(found[i]));
            }
            return text;
        }
    }
    return english;
}
