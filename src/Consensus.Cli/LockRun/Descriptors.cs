using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Consensus.Cli.LockRun;

/// <summary>Descriptors that are handed to other processes.</summary>
internal static unsafe class Descriptors
{
    /// <summary>Above those that a child is given by their numbers: a program that was started without some of its standard streams gets those numbers for what it opens.</summary>
    private const int LowestFree = 10;

    /// <summary>A pipe whose ends no child inherits.</summary>
    /// <exception cref="Win32Exception">There can be none.</exception>
    public static (SafeFileHandle Read, SafeFileHandle Write) Pipe()
    {
        var ends = stackalloc int[2];
        if (Libc.Pipe(ends, Libc.OpenCloseOnExec) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
        return (AboveStandard(ends[0]), AboveStandard(ends[1]));
    }

    /// <summary>Takes a descriptor over under a higher number.</summary>
    /// <exception cref="Win32Exception">There are too many.</exception>
    public static SafeFileHandle AboveStandard(int descriptor)
    {
        var moved = Libc.DescriptorControl(descriptor, Libc.DuplicateCloseOnExec, LowestFree);
        var error = Marshal.GetLastPInvokeError();
        _ = Libc.Close(descriptor);
        return moved >= 0 ? new SafeFileHandle(moved, ownsHandle: true) : throw new Win32Exception(error);
    }
}
