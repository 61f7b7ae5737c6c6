using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Consensus.StateMachine.Policies;
using Consensus.Storage.Formation;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Consensus.Server.Hosting;

/// <summary>
/// The way in for whoever has the machine: a socket in the data directory, which only the member's own user can open, and root. Who asks
/// there is <c>local</c>, an administrator that nothing takes the role from: the first token is made so, and whoever has locked himself out
/// comes back in. He could read the log there all the same.
/// </summary>
internal sealed partial class AdminSocket
{
    /// <summary>Of the path, with the byte that ends it (sockaddr_un of Linux).</summary>
    public const int MostPathBytes = 107;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;

    private static readonly Actor Local = new(Actor.Local, Actor.LocalCredential);

    private AdminSocket()
    {
    }

    /// <summary>Of the request, where it came over the socket; else null.</summary>
    public static Actor? Of(HttpContext http) => http.Features.Get<AdminSocket>() is null ? null : Local;

    /// <summary>The socket of a data directory; null where this system has none such.</summary>
    public static string? PathIn(string dataDirectory) =>
        OperatingSystem.IsLinux() ? Path.Combine(Path.GetFullPath(dataDirectory), DataDirectory.AdminSocketName) : null;

    /// <summary>Whether an address has room for the path.</summary>
    public static bool Fits(string path) => Encoding.UTF8.GetByteCount(path) <= MostPathBytes;

    /// <summary>
    /// Binds it: nobody can reach it before it is its owner's alone. What a process left that was killed is taken away; anything else that
    /// is there is not.
    /// </summary>
    /// <exception cref="IOException">It cannot be bound; a sentence that names the path.</exception>
    public static Socket Bind(string path)
    {
        MakeRoom(path);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(path));
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(path, OwnerOnly);
            }
            return socket;
        }
        catch (Exception e) when (e is SocketException or UnauthorizedAccessException or IOException)
        {
            socket.Dispose();
            throw new IOException($"cannot listen at the admin socket {path}: {e.Message} (--admin-socket none does without)", e);
        }
    }

    /// <summary>Who is at the other end, as the kernel has it, is asked of each connection: whose the file is says who may open it, and no more.</summary>
    public static void UseOn(ListenOptions listen) => listen.Use(next => connection =>
    {
        if (connection.Features.Get<IConnectionSocketFeature>()?.Socket is not { } socket || !IsOwnUser(UserOf(socket)))
        {
            connection.Abort(new ConnectionAbortedException("another user opened the admin socket"));
            return Task.CompletedTask;
        }
        connection.Features.Set(new AdminSocket());
        return next(connection);
    });

    /// <summary>The user this process runs as, or root, who may everything on the machine.</summary>
    internal static bool IsOwnUser(uint user) => user == 0 || user == Geteuid();

    private static uint UserOf(Socket socket)
    {
        // struct ucred: process, user, group.
        Span<int> credentials = stackalloc int[3];
        var length = socket.GetRawSocketOption(SolSocket, SoPeerCred, MemoryMarshal.AsBytes(credentials));
        return length == sizeof(int) * credentials.Length ? (uint)credentials[1] : uint.MaxValue;
    }

    private static void MakeRoom(string path)
    {
        switch (KindOf(path))
        {
            case FileKind.None:
                return;
            case FileKind.Socket when !IsAnswered(path):
                File.Delete(path);
                return;
            case FileKind.Socket:
                throw new IOException($"another process answers at the admin socket {path}");
            default:
                throw new IOException(
                    $"{path} is there and is no socket: something else has the name of the admin socket (--admin-socket none does without)");
        }
    }

    private static bool IsAnswered(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionRefused)
        {
            return false;
        }
        catch (SocketException)
        {
            // Too many wait for it, or it is not ours to ask: somebody has it.
            return true;
        }
    }

    private enum FileKind
    {
        None,
        Socket,
        Other,
    }

    /// <summary>Of the file itself: where a link leads is not looked at.</summary>
    private static FileKind KindOf(string path)
    {
        // struct statx is the same on all of Linux: the mode is 28 bytes in.
        const int Size = 256, ModeOffset = 28, FollowNoLink = 0x100, Here = -100;
        const uint TypeWanted = 1;
        const ushort TypeMask = 0xF000, SocketType = 0xC000;
        Span<byte> found = stackalloc byte[Size];
        if (Statx(Here, path, FollowNoLink, TypeWanted, found) != 0)
        {
            return Marshal.GetLastPInvokeError() == ErrorNoEntry
                ? FileKind.None
                : throw new IOException($"cannot look at {path}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
        return (MemoryMarshal.Read<ushort>(found[ModeOffset..]) & TypeMask) == SocketType ? FileKind.Socket : FileKind.Other;
    }

    private const int ErrorNoEntry = 2;

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Statx(int directory, string path, int flags, uint mask, Span<byte> found);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial uint Geteuid();
}
