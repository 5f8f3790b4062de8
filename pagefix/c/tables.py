"""Words of kernel C that mean something to the reader, as data.

A tree under check teaches the reader its own annotations and loops
(:class:`pagefix.c.MacroTable`); what stands here are the words that every kernel has,
so that a file read alone is read well too.

Floor 1: imports nothing of pagefix.
"""

from __future__ import annotations

import re
from typing import Protocol

__all__ = [
    "ALIGNOF",
    "ANNOTATIONS",
    "ASM",
    "CALL_ANNOTATIONS",
    "DEFINING_HEADERS",
    "GROUPS",
    "KEYWORDS",
    "LOOPS",
    "NOT_CALLED",
    "OFFSETOF",
    "PER_CPU",
    "STATEMENT_WORDS",
    "TYPEOF",
    "TYPE_MACROS",
    "TYPE_WORDS",
    "MacroTable",
    "NoMacros",
]


class MacroTable(Protocol):
    """What the tree under check knows of its macros."""

    def annotation(self, name: str) -> bool | None:
        """Return whether the tree defines a name as empty or as an attribute.

        :return: ``None`` where it has no definition.
        """

    def loop(self, name: str) -> bool | None:
        """Return whether a macro's definition is a ``for``; ``None`` without one."""

    def definition(self, name: str) -> str | None:
        """Return the raw text of a macro's definition, parameters and body."""


class NoMacros:
    """The macro table of a file that stands alone."""

    def annotation(self, name: str) -> bool | None:
        """Return ``None``: nothing is known."""
        return None

    def loop(self, name: str) -> bool | None:
        """Return ``None``: nothing is known."""
        return None

    def definition(self, name: str) -> str | None:
        """Return ``None``: nothing is known."""
        return None


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Annotations without arguments: blanked wherever they stand.
ANNOTATIONS = _words("""
    __init __exit __initdata __initconst __exitdata __exitconst __devinit __devexit
    __devinitdata __devinitconst __cpuinit __cpuinitdata __cpuexit __meminit __memexit
    __meminitdata __memexitdata __init_or_module __initdata_or_module
    __initconst_or_module __init_memblock __initdata_memblock __initmarker __net_init
    __net_exit __net_initdata __ref __refdata __refconst __init_refok __initdata_refok
    __exit_refok __page_aligned_data __page_aligned_bss __read_mostly
    __ro_after_init __latent_entropy __randomize_layout __no_randomize_layout
    __designated_init __percpu __user __kernel __iomem __rcu __force
    __nocast __safe __private __bitwise __bitwise__ __must_check __maybe_unused
    __always_unused __used __unused __always_inline __always_inline__ __inline
    __inline__ __gnu_inline __noinline noinline noinline_for_stack notrace noinstr
    noclone __noclone __flatten __cold __hot __pure __attribute_const__ __noreturn
    __deprecated __weak __packed __packed__ __aligned_largest __cacheline_aligned
    ____cacheline_aligned ____cacheline_aligned_in_smp ____cacheline_internodealigned_in_smp
    __cacheline_aligned_in_smp ____cacheline_aligned_interleaved __visible __malloc
    __mustcheck __no_sanitize_address __no_kasan_or_inline __no_kcsan __no_kcsan_or_inline
    __no_sanitize_memory __no_sanitize_undefined __no_sanitize_thread __no_sanitize_or_inline
    __no_profile __no_sanitize_coverage __no_fgcse __no_caller_saved_registers __nocfi
    __noscs __no_stack_protector __stackprotector __bpf_kfunc __disable_sanitizer_instrumentation
    __no_kmsan_checks __nonstring __error_return asmlinkage
     fastcall __kprobes nokprobe_inline __sched __lockfunc __irq_entry
    __softirq_entry __exception_irq_entry __exception
    __cpuidle __lockdep __lockdep_no_validate
     __extern_always_inline __const __const__ __volatile __volatile__
    __restrict __restrict__ _Noreturn __noendbr __ibt_noseal
    __nosave __nosavedata __nosave_data __rodata __efistub_global
    __efi_rt_wrapper __efiapi __efi_runtime __bss_decrypted __bss_prot __decrypted
       __counted_by_none __no_reorder
    __noretpoline __vvar_page __pmem
      __thread

    STATIC_INLINE LZ4_FORCE_INLINE FORCE_INLINE FORCE_INLINE_TEMPLATE MEM_STATIC ZSTDLIB_API
    ZSTDLIB_STATIC_API FORCE_NOINLINE HINT_INLINE WARN_UNUSED INLINE
    ACPI_SYSTEM_XFACE ACPI_INTERNAL_VAR_XFACE

    ___preserve_most __fallthrough__ _FORTIFY_INLINE __FORTIFY_INLINE

""")

#: Annotations with arguments: blanked with their parentheses.
CALL_ANNOTATIONS = _words("""
    __attribute__ __attribute __declspec __acquires __releases __must_hold __acquire_shared
    __cond_acquires __cond_lock_annotation __aligned __alignas __section __printf __scanf
    __alloc_size __assume_aligned __counted_by __copy __alias __ifunc __nonnull __mode
    __format_arg __sentinel __flexarr __compiletime_error __compiletime_warning __no_sanitize
    __alloc_percpu_annotation __lockfunc_section __init_section __cleanup __free __guarded_by
    __pt_guarded_by __acquires_shared __releases_shared __must_hold_shared __overloadable
    __pass_object_size __pass_dynamic_object_size __designated __realloc_size __error
    __warning __visible_if __target __zero_call_used_regs __attribute_format
    __counted_by_le __counted_by_be __attribute_alloc __always_inline_if
    ACPI_PRINTF_LIKE PRINTF_FORMAT XXH_FALLTHROUGH BTF_TYPE_TAG __acquire_annotation
    __releases_ctx __aligned_as __no_context_analysis_if __printf_attr
    __noinitretpoline __randomize_pad __stack_alignment __format __btf_decl_tag
    __ARCH_WANT_SECTION asm_volatile_annotation __nonnull_args __no_instrument
    __ref_section _Alignas __rcu_annotation __pcpu_attr
""")

#: Loop macros whose name does not give them away (``for_each`` and the like do).
LOOPS = _words("""
    scoped_guard
    scoped_cond_guard
    guard_loop
    wait_event_cmd_loop
    ITERATE_BVEC
    iterate_iovec
    iterate_bvec
    unsafe_op_wrap
""")

#: Macros that declare a variable by its type and its name.
PER_CPU = re.compile(r"(?:DEFINE|DECLARE)_(?:\w*_)?PER_CPU\w*\Z")

#: Macros that group members of a record, and how many arguments stand before these.
GROUPS = {"struct_group": 1, "struct_group_attr": 2, "struct_group_tagged": 2, "__struct_group": 3}

KEYWORDS = _words("""
    auto break case char const continue default do double else enum extern float for goto if
    inline int long register restrict return short signed sizeof static struct switch typedef
    union unsigned void volatile while _Bool _Alignof _Generic _Static_assert asm __asm__
    __asm bool typeof __typeof__ __typeof __auto_type offsetof alignof __alignof__
""")

#: Words that head a statement: an identifier behind one is no declarator.
STATEMENT_WORDS = _words("return else do case goto sizeof if while for switch default typeof")

#: Words with which a type can begin.
TYPE_WORDS = _words("""
    struct union enum unsigned signed int long short char void const volatile float double
    _Bool bool u8 u16 u32 u64 s8 s16 s32 s64 __u8 __u16 __u32 __u64 __s8 __s16 __s32 __s64
    __le16 __le32 __le64 __be16 __be32 __be64 size_t ssize_t loff_t off_t pgoff_t gfp_t
    sector_t dev_t ino_t umode_t uint8_t uint16_t uint32_t uint64_t int8_t int16_t int32_t
    int64_t uintptr_t intptr_t atomic_t atomic64_t uint ulong ushort uchar
""")

TYPEOF = _words("typeof __typeof__ __typeof typeof_unqual __typeof_unqual__")

OFFSETOF = _words("offsetof __builtin_offsetof")

ALIGNOF = _words("alignof __alignof__ __alignof _Alignof")

ASM = frozenset({"asm", "__asm__", "__asm"})

#: Words before a parenthesis that is not that of a call.
NOT_CALLED = (
    STATEMENT_WORDS | TYPE_WORDS | TYPEOF | ALIGNOF | ASM | {"__attribute__", "defined", "_Generic"}
)

#: Macros with a type in a known argument: a lone name there is a type as well.
TYPE_MACROS: dict[str, int] = {
    "container_of": 1,
    "container_of_const": 1,
    "container_of_safe": 1,
    "container_of_or_null": 1,
    "list_entry": 1,
    "list_first_entry": 1,
    "list_last_entry": 1,
    "list_first_entry_or_null": 1,
    "list_entry_rcu": 1,
    "list_entry_lockless": 1,
    "list_first_or_null_rcu": 1,
    "hlist_entry": 1,
    "hlist_entry_safe": 1,
    "hlist_nulls_entry": 1,
    "hlist_bl_entry": 1,
    "llist_entry": 1,
    "rb_entry": 1,
    "rb_entry_safe": 1,
    "plist_first_entry": 1,
    "min_t": 0,
    "max_t": 0,
    "clamp_t": 0,
    "va_arg": 1,
    "__builtin_va_arg": 1,
    "sizeof_field": 0,
    "FIELD_SIZEOF": 0,
    "offsetofend": 0,
    "struct_size_t": 0,
    "typecheck": 0,
    "KMEM_CACHE": -1,
}

#: Macros that head a function with its parameters as (type, name) pairs, behind a name.
DEFINING_HEADERS = (
    "SYSCALL_DEFINE",
    "COMPAT_SYSCALL_DEFINE",
    "__SYSCALL_DEFINE",
    "BPF_CALL_",
    "NOTRACE_BPF_CALL_",
)
