using System.Runtime.InteropServices;
using System.Text;
using Consensus.Cli.Input;

namespace Consensus.Cli.LockRun;

/// <summary>A null-terminated array of C strings, owned by this object until it is disposed.</summary>
internal sealed unsafe class NativeStrings : IDisposable
{
    private readonly List<nint> _owned = [];
    private readonly byte** _array;

    /// <summary>The given strings, as argv wants them; what is not UTF-8 in them (<see cref="ByteText"/>) becomes the bytes that it was.</summary>
    public NativeStrings(IReadOnlyList<string> strings)
    {
        _array = Allocate(strings.Count);
        for (var i = 0; i < strings.Count; i++)
        {
            _array[i] = Copy(strings[i]);
        }
    }

    /// <summary>The process's environment with some variables set anew.</summary>
    public NativeStrings(IReadOnlyDictionary<string, string> variables)
    {
        var kept = new List<nint>();
        for (var entry = Libc.Environment; entry != null && *entry != null; entry++)
        {
            if (!variables.Keys.Any(name => IsAssignmentOf(*entry, name)))
            {
                kept.Add((nint)(*entry));
            }
        }
        _array = Allocate(kept.Count + variables.Count);
        var next = 0;
        foreach (var entry in kept)
        {
            _array[next++] = (byte*)entry;
        }
        foreach (var (name, value) in variables)
        {
            _array[next++] = Copy($"{name}={value}");
        }
    }

    public byte** Array => _array;

    public void Dispose()
    {
        foreach (var pointer in _owned)
        {
            NativeMemory.Free((void*)pointer);
        }
        _owned.Clear();
    }

    private byte** Allocate(int count)
    {
        var array = (byte**)NativeMemory.AllocZeroed((nuint)count + 1, (nuint)sizeof(byte*));
        _owned.Add((nint)array);
        return array;
    }

    private byte* Copy(string text)
    {
        var bytes = ByteText.Encode(text);
        var copy = (byte*)NativeMemory.AllocZeroed((nuint)bytes.Length + 1);
        bytes.CopyTo(new Span<byte>(copy, bytes.Length));
        _owned.Add((nint)copy);
        return copy;
    }

    private static bool IsAssignmentOf(byte* entry, string name)
    {
        var text = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry);
        var wanted = Encoding.UTF8.GetBytes(name);
        return text.Length > wanted.Length && text.StartsWith(wanted) && text[wanted.Length] == (byte)'=';
    }
}
