using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Consensus.EndToEnd.Tests.Links;

/// <summary>Sockets of this process that live in another network namespace: a socket belongs to the namespace of the thread that made it (setns(2)).</summary>
internal static class NamespaceSockets
{
    private const int ReadOnlyCloseOnExec = 0x80000;
    private const int NewNetwork = 0x40000000;

    public static Socket Listen(string space, string address) => MakeIn(space, socket =>
    {
        socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
        socket.Listen();
    });

    public static Socket Make(string space) => MakeIn(space, _ => { });

    private static Socket MakeIn(string space, Action<Socket> prepare)
    {
        Socket? made = null;
        Exception? failure = null;
        // The thread ends in the other namespace and is not given back to any pool.
        var thread = new Thread(() =>
        {
            try
            {
                Enter(space);
                made = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                prepare(made);
            }
            catch (Exception e) when (e is SocketException or IOException)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? made! : throw new IOException($"no socket in {space}", failure);
    }

    private static void Enter(string space)
    {
        var descriptor = Open("/run/netns/" + space, ReadOnlyCloseOnExec);
        if (descriptor < 0 || SetNamespace(descriptor, NewNetwork) != 0)
        {
            throw new IOException($"{space} cannot be entered: error {Marshal.GetLastPInvokeError()}");
        }
        _ = Close(descriptor);
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Open([MarshalAs(UnmanagedType.LPStr)] string path, int flags);

    [DllImport("libc", EntryPoint = "setns", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetNamespace(int descriptor, int kind);

    [DllImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int descriptor);
}
