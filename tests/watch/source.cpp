#include "source.hpp"

#if __has_include(<elfutils/libdwfl.h>) && !defined WITHOUT_LIBDW // which make knows

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <unistd.h>

namespace lab
{
namespace
{

/// Of the process that is looked at: its root folder, which may be a sandbox's, and whether its
/// program lies where it was started, as students' own programs do, and interpreters do not.
thread_local int root = -1;
thread_local bool lies_here = false;

/// Finds a program, or a library, where the process has it.
int found_below(Dwfl_Module* module, void** data, const char* name, Dwarf_Addr base, char** path,
                Elf** elf)
{
    const int fd = *name == '/' ? openat(root, name + 1, O_RDONLY | O_CLOEXEC) : -1;
    if (fd == -1) {
        return dwfl_linux_proc_find_elf(module, data, name, base, path, elf);
    }
    *path = strdup(name);
    return fd;
}

/// Debugging information that is in a program itself; none is looked for elsewhere.
int found_nowhere(Dwfl_Module* /*module*/, void** /*data*/, const char* /*name*/,
                  Dwarf_Addr /*base*/, const char* /*file*/, const char* /*link*/,
                  GElf_Word /*crc*/, char** /*found*/)
{
    return -1;
}

/// "server.cpp:31", if this file is the program's own, and no library's nor one of the lab's
/// headers.
std::string own(const char* file, const char* folder, int line)
{
    if (file == nullptr || line <= 0) {
        return "";
    }
    const std::string name = file;
    const std::string path =
        name.starts_with('/') || folder == nullptr ? name : std::string(folder) + "/" + name;
    for (const std::string part :
         {"/common/", "/common.hpp", "/rustc/", "/usr/include/", "/include/c++/", "/usr/lib/",
          "/usr/local/go/", "/usr/src/", "sanitizer"}) {
        if (path.find(part) != std::string::npos) {
            return "";
        }
    }
    const std::string below = path.substr(std::min(path.find_first_not_of('/'), path.size()));
    const bool is_here = faccessat(root, below.c_str(), F_OK, 0) == 0; // an interpreter's hardly is
    return is_here || lies_here ? path.substr(path.rfind('/') + 1) + ":" + std::to_string(line)
                                : "";
}

/// The unit that has this address. clang lists no addresses by which it could be found at once.
Dwarf_Die* unit_at(Dwfl_Module* module, Dwarf_Addr address, Dwarf_Addr& bias)
{
    Dwarf_Die* unit = dwfl_module_addrdie(module, address, &bias);
    Dwarf_Die* each = unit == nullptr ? dwfl_module_nextcu(module, nullptr, &bias) : nullptr;
    for (; each != nullptr && unit == nullptr; each = dwfl_module_nextcu(module, each, &bias)) {
        unit = dwarf_haspc(each, address - bias) == 1 ? each : nullptr;
    }
    return unit;
}

/// Where it was compiled.
const char* folder_of(Dwarf_Die* unit)
{
    Dwarf_Attribute attribute{};
    return dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
}

/// The line of the program's own that calls what was inlined at this address.
std::string inlined_in(Dwfl_Module* module, Dwarf_Die* unit, Dwarf_Addr address, Dwarf_Addr bias)
{
    Dwarf_Die* scopes = nullptr;
    if (dwarf_getscopes(unit, address - bias, &scopes) <= 0) {
        return "";
    }
    Dwarf_Die innermost{};
    dwarf_offdie(dwfl_module_getdwarf(module, &bias), dwarf_dieoffset(&scopes[0]), &innermost);
    std::free(std::exchange(scopes, nullptr));
    Dwarf_Files* files = nullptr;
    std::size_t count = 0;
    dwarf_getsrcfiles(unit, &files, &count);
    Dwarf_Attribute attribute{};
    const char* folder = folder_of(unit);
    std::string place;
    const int depth = dwarf_getscopes_die(&innermost, &scopes);
    for (int i = 0; i < depth && place.empty(); ++i) {
        Dwarf_Word file = 0;
        Dwarf_Word line = 0;
        if (dwarf_tag(&scopes[i]) == DW_TAG_inlined_subroutine &&
            dwarf_formudata(dwarf_attr(&scopes[i], DW_AT_call_file, &attribute), &file) == 0 &&
            dwarf_formudata(dwarf_attr(&scopes[i], DW_AT_call_line, &attribute), &line) == 0) {
            place = own(dwarf_filesrc(files, static_cast<std::size_t>(file), nullptr, nullptr),
                        folder, static_cast<int>(line));
        }
    }
    std::free(scopes);
    return place;
}

/// A function's name, as it is written in C++, without its arguments.
std::string demangled(const char* symbol)
{
    int status = 0;
    char* plain = abi::__cxa_demangle(symbol, nullptr, nullptr, &status);
    const std::string name = status == 0 ? plain : symbol;
    std::free(plain);
    const std::size_t begin = std::min(name.find_first_not_of('_'), name.size());
    return name.substr(begin, name.find_first_of("([") - begin);
}

/// Adds one frame of a stack.
int add(Dwfl_Frame* frame, void* found)
{
    auto& stack = *static_cast<std::vector<unsigned long>*>(found);
    constexpr std::size_t deep_enough = 24;
    Dwarf_Addr address = 0;
    bool is_innermost = false;
    if (!dwfl_frame_pc(frame, &address, &is_innermost) || stack.size() == deep_enough) {
        return DWARF_CB_ABORT;
    }
    address -= is_innermost ? 0 : 1; // the call, and not what it returns to
    stack.push_back(static_cast<unsigned long>(address));
    return DWARF_CB_OK;
}

/// The program's own line at this address; empty if it is not its own code.
std::string line_at(Dwfl* dwfl, unsigned long address)
{
    Dwfl_Module* module = dwfl_addrmodule(dwfl, address);
    Dwarf_Addr bias = 0;
    Dwarf_Die* unit = module == nullptr ? nullptr : unit_at(module, address, bias);
    Dwarf_Line* line = unit == nullptr ? nullptr : dwarf_getsrc_die(unit, address - bias);
    if (line == nullptr) {
        return "";
    }
    int number = 0;
    dwarf_lineno(line, &number);
    const std::string place = own(dwarf_linesrc(line, nullptr, nullptr), folder_of(unit), number);
    return place.empty() ? inlined_in(module, unit, address, bias) : place;
}

} // namespace

struct Lines::Program {
    Dwfl* dwfl = nullptr;
    int own_root = -1; ///< stays when the process has ended
    bool is_in_its_folder = false;
    bool has_lines = false; ///< else its stack is not looked at: an interpreter's tells nothing

    explicit Program(pid_t process)
    {
        static const Dwfl_Callbacks callbacks = {found_below, found_nowhere, nullptr, nullptr};
        root = own_root =
            open(("/proc/" + std::to_string(process) + "/root").c_str(), O_PATH | O_CLOEXEC);
        std::error_code error;
        const std::string about = "/proc/" + std::to_string(process);
        const auto program = std::filesystem::read_symlink(about + "/exe", error).string();
        const auto folder = std::filesystem::read_symlink(about + "/cwd", error).string();
        is_in_its_folder = folder.size() > 1 && program.starts_with(folder + "/");
        dwfl = dwfl_begin(&callbacks);
        if (dwfl == nullptr || dwfl_linux_proc_report(dwfl, process) != 0 ||
            dwfl_report_end(dwfl, nullptr, nullptr) != 0 ||
            dwfl_linux_proc_attach(dwfl, process, true) != 0) {
            return;
        }
        const auto has_some = [](Dwfl_Module* module, void** /*data*/, const char* name,
                                 Dwarf_Addr /*at*/, void* found) {
            Dwarf_Addr bias = 0;
            const bool is_program =
                std::string(name).find(".so") == std::string::npos && *name != '[';
            if (is_program && dwfl_module_getdwarf(module, &bias) != nullptr) {
                *static_cast<bool*>(found) = true;
            }
            return static_cast<int>(DWARF_CB_OK);
        };
        dwfl_getmodules(dwfl, has_some, &has_lines, 0);
    }
    ~Program()
    {
        dwfl_end(dwfl);
        close(own_root);
    }
    Program(const Program&) = delete;
};

Lines::Lines() = default;
Lines::~Lines() = default;

/// The program that a process runs, which is looked at from now on; null if it is not known.
Lines::Program* Lines::look_at(pid_t process)
{
    const auto found = programs_.find(process);
    if (found == programs_.end()) {
        return nullptr;
    }
    root = found->second->own_root;
    lies_here = found->second->is_in_its_folder;
    return found->second.get();
}

std::vector<unsigned long> Lines::stack_of(pid_t process, pid_t thread)
{
    const std::lock_guard lock(mutex_);
    if (!programs_.contains(process)) {
        programs_[process] = std::make_unique<Program>(process);
    }
    const Program* program = look_at(process);
    std::vector<unsigned long> stack;
    if (program->has_lines) {
        dwfl_getthread_frames(program->dwfl, thread, add, &stack);
    }
    return stack;
}

std::string Lines::place_of(pid_t process, const std::vector<unsigned long>& stack)
{
    const std::lock_guard lock(mutex_);
    const Program* program = look_at(process);
    if (program == nullptr) {
        return "";
    }
    std::string place;
    for (const unsigned long address : stack) {
        place = place.empty() ? line_at(program->dwfl, address) : place;
    }
    return place;
}

std::string Lines::function_of(pid_t process, const std::vector<unsigned long>& stack)
{
    const std::lock_guard lock(mutex_);
    const Program* program = look_at(process);
    if (program == nullptr) {
        return "";
    }
    std::string name;
    bool is_reached = false; // the line
    for (const unsigned long address : stack) {
        is_reached = !line_at(program->dwfl, address).empty();
        if (is_reached) {
            break;
        }
        Dwfl_Module* module = dwfl_addrmodule(program->dwfl, address);
        const char* symbol = module == nullptr ? nullptr : dwfl_module_addrname(module, address);
        const std::string plain = symbol == nullptr ? "" : demangled(symbol);
        name = plain.empty() || plain.find('<') != std::string::npos ? name : plain; // no templates
    }
    return is_reached ? name : "";
}

void Lines::forget(pid_t process)
{
    const std::lock_guard lock(mutex_);
    programs_.erase(process);
}

} // namespace lab

#else

namespace lab
{

struct Lines::Program {
};
Lines::Lines() = default;
Lines::~Lines() = default;
std::vector<unsigned long> Lines::stack_of(pid_t /*process*/, pid_t /*thread*/) { return {}; }
std::string Lines::place_of(pid_t /*process*/, const std::vector<unsigned long>& /*stack*/)
{
    return "";
}
std::string Lines::function_of(pid_t /*process*/, const std::vector<unsigned long>& /*stack*/)
{
    return "";
}
void Lines::forget(pid_t /*process*/) {}

} // namespace lab

#endif
