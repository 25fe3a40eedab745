// bench.cpp: what the server costs, as a ratio to floor.cpp, both measured in turns in the same
// run. See README.md.
#include "../../common.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>
#include <functional>
#include <iomanip>
#include <map>
#include <optional>
#include <sstream>
#include <thread>

#include <csignal>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>

namespace
{

using Clock = std::chrono::steady_clock;
using Samples = std::vector<double>;

double median(Samples samples)
{
    std::sort(samples.begin(), samples.end());
    return samples.empty() ? 0 : samples[samples.size() / 2];
}

double since(Clock::time_point start) { return Seconds(Clock::now() - start).count(); }

void progress(const std::string& text)
{
    if (isatty(STDERR_FILENO) != 0) {
        std::cerr << "\r\x1b[K" << text << std::flush;
    } else {
        std::cerr << text << '\n';
    }
}

/// A server under measurement, in a process of its own, its standard output going to a file.
class Server
{
  public:
    Server(std::string name, const std::string& command) : name_(std::move(name))
    {
        std::string path = "/tmp/lab-bench-XXXXXX";
        const int log = mkostemp(path.data(), O_APPEND);
        unlink(path.c_str());
        pid_ = fork();
        if (pid_ == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL); // not to outlive the benchmark
            dup2(log, STDOUT_FILENO);
            dup2(log, STDERR_FILENO);
            execl("/bin/sh", "sh", "-c", ("exec " + command).c_str(), nullptr);
            _exit(127);
        }
        std::string said;
        for (int i = 0; i < 500 && said.find(". Ctrl-C") == std::string::npos; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
            std::array<char, 4096> buffer{};
            said.assign(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(
                                           0, pread(log, buffer.data(), 4096, 0))));
        }
        ::close(log);
        const std::size_t end = said.find(". Ctrl-C");
        if (end == std::string::npos) {
            throw std::runtime_error(name_ + " did not start: " + said);
        }
        address_ = resolve("127.0.0.1", std::stoi(said.substr(said.rfind(':', end) + 1))).front();
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server()
    {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    const std::string& name() const { return name_; }
    const Address& address() const { return address_; }
    double resident_kib() const
    {
        std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
        for (std::string line; std::getline(status, line);) {
            if (line.starts_with("VmRSS:")) {
                return std::stod(line.substr(6));
            }
        }
        return 0;
    }

  private:
    std::string name_;
    pid_t pid_ = -1;
    Address address_;
};

/// One client of the load. It ends its connections with RST, so that none is left in TIME_WAIT and
/// ports never run out.
class LoadClient
{
  public:
    explicit LoadClient(const Server& server) : s_(AF_INET, SOCK_STREAM)
    {
        const linger hard{1, 0};
        ::setsockopt(s_.fileno(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        s_.connect(server.address());
        read(8);
    }
    int fileno() const { return s_.fileno(); }
    void say(std::string_view name)
    {
        if (::send(s_.fileno(), name.data(), name.size(), MSG_NOSIGNAL) == -1) {
            throw_errno("send");
        }
    }
    void greet(std::string_view name)
    {
        say(name);
        read(name.size() + 8);
    }
    void leave()
    {
        s_.send("exit");
        char byte = 0;
        if (::recv(s_.fileno(), &byte, 1, 0) != 0) {
            throw std::runtime_error("a wrong byte at the end");
        }
    }

    void read(std::size_t due)
    {
        std::array<char, 2048> buffer;
        while (due > 0) {
            const ssize_t n = ::recv(s_.fileno(), buffer.data(), due, 0);
            if (n <= 0) {
                throw std::runtime_error("the connection ended early");
            }
            due -= static_cast<std::size_t>(n);
        }
    }

  private:
    Socket s_;
};

constexpr double slice = 0.35; // seconds that one server is under one load, in each round

/// Round trips per second of one client; `times` receives how long each took, in microseconds.
double ping_pong(const Server& server, Samples* times = nullptr)
{
    LoadClient client(server);
    const auto start = Clock::now();
    int count = 0;
    for (auto before = start; since(start) < slice; ++count) {
        client.greet("Yam");
        const auto after = Clock::now();
        if (times != nullptr) {
            times->push_back(Seconds(after - before).count() * 1e6);
        }
        before = after;
    }
    return count / since(start);
}

/// Round trips per second of 16 clients, each a thread of its own that waits for its own answers
/// only, as the clients of a class do. They connect one after another, as the notebook's backlog is
/// too short for 16 at once.
double sixteen_clients(const Server& server)
{
    std::vector<LoadClient> clients;
    for (int i = 0; i < 16; ++i) {
        clients.emplace_back(server);
    }
    std::atomic<int> count = 0;
    std::vector<std::thread> threads;
    const auto start = Clock::now();
    for (LoadClient& client : clients) {
        threads.emplace_back([&] {
            int mine = 0;
            for (; since(start) < slice; ++mine) {
                client.greet("Yam");
            }
            count += mine;
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    return count / since(start);
}

/// Connections per second that are welcomed, greeted by these names, and closed.
double sessions(const Server& server, const std::vector<std::string>& names)
{
    const auto start = Clock::now();
    int count = 0;
    for (; since(start) < slice; ++count) {
        LoadClient client(server);
        for (const std::string& name : names) {
            client.greet(name);
        }
        client.leave();
    }
    return count / since(start);
}

double cpu_seconds()
{
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/// The table, as it is printed and as CSV.
class Table
{
  public:
    explicit Table(const std::string& csv) : csv_(csv)
    {
        if (!csv.empty()) {
            file_.open(csv + ".part");
            file_ << "load,unit,floor,server,notebook,server/floor,server/notebook\n";
        }
        std::cout << std::left << std::setw(48) << "load" << std::right << std::setw(10) << "floor"
                  << std::setw(10) << "server" << std::setw(10) << "notebook" << std::setw(9)
                  << "server/"
                  << "\n"
                  << std::setw(87) << "floor"
                  << "\n";
    }
    /// `ratio` is the server's to the floor's.
    void row(const std::string& load, const std::string& unit, double floor, double server,
             double notebook, double ratio)
    {
        const auto digits = floor < 100 ? 2 : 0;
        std::cout << std::fixed << std::setprecision(digits) << std::left << std::setw(48)
                  << load + ", " + unit << std::right << std::setw(10) << floor << std::setw(10)
                  << server << std::setw(10) << (notebook > 0 ? number(notebook, digits) : "-")
                  << std::setprecision(2) << std::setw(9) << ratio << "  "
                  << std::string(static_cast<std::size_t>(std::clamp(ratio, 0.0, 1.5) * 20), '#')
                  << std::endl;
        if (file_.is_open()) {
            file_ << load << ',' << unit << ',' << floor << ',' << server << ',' << notebook << ','
                  << ratio << ',' << (notebook > 0 ? server / notebook : 0) << '\n';
        }
    }
    void finish()
    {
        if (file_.is_open()) {
            file_.close();
            if (file_.fail() || std::rename((csv_ + ".part").c_str(), csv_.c_str()) != 0) {
                throw_errno("write " + csv_);
            }
        }
    }

    static std::string number(double value, int digits)
    {
        std::ostringstream text;
        text << std::fixed << std::setprecision(digits) << value;
        return text.str();
    }

  private:
    std::string csv_;
    std::ofstream file_;
};

Samples ratios(const Samples& above, const Samples& below)
{
    Samples result;
    for (std::size_t i = 0; i < above.size(); ++i) {
        result.push_back(above[i] / below[i]);
    }
    return result;
}

struct Load {
    std::string name;
    std::string unit;
    std::function<double(const Server&)> run;
};

} // namespace

int main(int argc, char* argv[])
try {
    std::string csv;
    std::string bin = ".";
    int rounds = 21;
    const CommandLine given(
        argc, argv,
        "Usage: bench [--csv FILE] [--rounds N (21)] [--bin DIRECTORY (.)]\n"
        "Measures ./server beside floor and the notebook's server. Takes under three minutes.\n",
        {"csv", "rounds", "bin"});
    given.operands(0);
    csv = given.text("csv", csv);
    rounds = given.number("rounds", rounds, 1, 1000);
    bin = given.text("bin", bin);
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    const auto start = Clock::now();

    const std::string ours = bin + "/server --port 0 --delay 0 --max-clients 12000";
    const std::string python = "python3 tests/lab/notebook_server.py 0 0";
    const bool has_python = std::system("python3 -c pass >/dev/null 2>&1") == 0;
    const Server floor("floor", "build/bench/floor");
    const Server server("server", ours);
    std::optional<Server> notebook;
    if (has_python) {
        notebook.emplace("notebook", python);
    } else {
        std::cout << "There is no python3 here, so the notebook's server is left out.\n";
    }
    std::vector<const Server*> all = {&floor, &server};
    if (notebook) {
        all.push_back(&*notebook);
    }

    utsname system{};
    uname(&system);
    std::cout << std::thread::hardware_concurrency() << " cores, " << system.sysname << " "
              << system.release << ", " << rounds << " rounds of " << slice
              << " s for each server and load, in turns; medians.\n\n";
    Table table(csv);

    std::map<std::string, Samples> trip_times;
    const std::vector<Load> loads = {
        {"one client's ping-pong", "round trips/s",
         [&](auto& s) { return ping_pong(s, &trip_times[s.name()]); }},
        {"16 clients at once", "round trips/s", [](auto& s) { return sixteen_clients(s); }},
        {"connect, Welcome!, exit, closed", "connections/s",
         [](auto& s) { return sessions(s, {}); }},
        {"a whole session of three names", "sessions/s",
         [](auto& s) {
             return sessions(s, {"Yam", "May", "Sarah"});
         }},
    };
    std::string busy;
    double times_the_notebook = 0;
    double floor_to_notebook = 0;
    for (const Load& load : loads) {
        std::map<std::string, Samples> results;
        const double cpu = cpu_seconds();
        const auto load_start = Clock::now();
        for (int round = 0; round < rounds; ++round) {
            progress(load.name + ", round " + std::to_string(round + 1) + " of " +
                     std::to_string(rounds));
            for (std::size_t i = 0; i < all.size(); ++i) { // another one begins in each round
                const Server& next = *all[(i + static_cast<std::size_t>(round)) % all.size()];
                results[next.name()].push_back(load.run(next));
            }
        }
        busy += " " + std::to_string(std::lround(100 * (cpu_seconds() - cpu) / since(load_start))) +
                "%";
        progress("");
        table.row(load.name, load.unit, median(results["floor"]), median(results["server"]),
                  median(results["notebook"]), median(ratios(results["server"], results["floor"])));
        if (&load == &loads[1] && notebook) {
            times_the_notebook = median(ratios(results["server"], results["notebook"]));
            floor_to_notebook = median(ratios(results["floor"], results["notebook"]));
        }
        if (&load == &loads[0]) {
            for (const double share : {0.5, 0.99}) {
                const auto at = [&](const std::string& name) {
                    Samples& times = trip_times[name];
                    std::sort(times.begin(), times.end());
                    return times.empty() ? 0
                                         : times[static_cast<std::size_t>(
                                               share * static_cast<double>(times.size() - 1))];
                };
                table.row(share == 0.5 ? "  of which p50" : "  of which p99", "microseconds",
                          at("floor"), at("server"), at("notebook"), at("server") / at("floor"));
            }
        }
    }

    for (const int count : {100, 1000, 10000}) {
        std::map<std::string, double> kib;
        std::map<std::string, double> seconds;
        std::map<std::string, double> alone;
        std::map<std::string, double> beside;
        for (const auto& [name, command] : std::map<std::string, std::string>{
                 {"floor", "build/bench/floor"},
                 {"server", ours},
                 {"notebook", has_python && count < 10000 ? python : ""}}) {
            if (command.empty()) {
                continue;
            }
            progress(std::to_string(count) + " idle clients: " + name);
            const Server fresh(name, command);
            Samples before;
            Samples after;
            for (int i = 0; i < 7; ++i) {
                before.push_back(ping_pong(fresh));
            }
            const double resident = fresh.resident_kib();
            std::vector<LoadClient> idle;
            idle.reserve(static_cast<std::size_t>(count));
            const auto opening = Clock::now();
            for (int i = 0; i < count; ++i) {
                idle.emplace_back(fresh);
            }
            seconds[name] = since(opening);
            kib[name] = (fresh.resident_kib() - resident) / count;
            for (int i = 0; i < 7; ++i) {
                after.push_back(ping_pong(fresh));
            }
            alone[name] = median(before);
            beside[name] = median(after);
        }
        progress("");
        const std::string idle = std::to_string(count) + " idle clients";
        table.row(idle, "resident KiB each", kib["floor"], kib["server"], kib["notebook"],
                  kib["server"] / kib["floor"]);
        table.row(idle, "seconds to open", seconds["floor"], seconds["server"], seconds["notebook"],
                  seconds["server"] / seconds["floor"]);
        table.row("one more beside " + std::to_string(count), "of its speed beside none",
                  beside["floor"] / alone["floor"], beside["server"] / alone["server"],
                  has_python && count < 10000 ? beside["notebook"] / alone["notebook"] : 0,
                  beside["server"] / alone["server"]);
    }

    std::cout << std::setprecision(1);
    if (notebook) {
        std::cout << "\nWith 16 clients the server is " << times_the_notebook
                  << " times as fast as the notebook's, and the floor " << floor_to_notebook
                  << " times.\n";
    }
    std::cout << "Of one core, the load generator used" << busy
              << " in the four loads: the rest of the time it waited.\n"
              << "All of it took " << since(start) << " seconds.\n";
    table.finish();
    return 0;
} catch (const std::exception& error) {
    return report(error);
}
