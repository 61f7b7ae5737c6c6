using System.Runtime.Versioning;
using Consensus.Security.Certificates;
using Consensus.Security.Generations;
using Consensus.Security.Tests.Support;

namespace Consensus.Security.Tests.Generations;

/// <summary>A generation is swapped whole or not at all (row 49 of the attacks: a file half written at a reload).</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class BundleWatcherTests
{
    private readonly SetClock _clock = new();
    private TestCertificates _certificates = null!;

    [SetUp]
    public void MakeFiles() => _certificates = new TestCertificates(time: _clock);

    [TearDown]
    public void RemoveFiles() => _certificates.Dispose();

    private BundleWatcher Open(BundleFiles files) => BundleWatcher.Open(files, _clock);

    private BundleFiles Own() => new(_certificates.Member("n1", "10.0.0.1"), "n1");

    [Test]
    public void The_first_generation_is_there_at_once_and_looking_changes_nothing_while_the_files_do_not()
    {
        var watcher = Open(Own());
        var first = watcher.Current;
        Assert.That(
            (first.Number, first.Own.Name!.Name, ReferenceEquals(first.Own, first.Peer), first.ClientAnchors.Count),
            Is.EqualTo((1L, "n1", true, 0)));
        Assert.That((watcher.Look(), watcher.Refusal), Is.EqualTo((false, (string?)null)));
        Assert.That(watcher.Current, Is.SameAs(first));
        Assert.That(watcher.Time, Is.SameAs(_clock));
    }

    [Test]
    public void Another_content_is_the_next_generation_and_is_told_once()
    {
        var watcher = Open(Own());
        var first = watcher.Current;
        var told = new List<TlsGeneration>();
        watcher.Changed += told.Add;
        var path = _certificates.Member("n1", "10.0.0.1", "10.0.0.2");
        // As a copy that keeps times would leave it: times say nothing.
        File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch);
        Assert.That(watcher.Look());
        Assert.That((watcher.Current.Number, watcher.Current.Own.Hosts.Contains("10.0.0.2")), Is.EqualTo((2L, true)));
        Assert.That(watcher.Look(), Is.False);
        Assert.That(told, Is.EqualTo(new[] { watcher.Current }));
        Assert.That(first.Own.Leaf.HasPrivateKey, "who keeps the one before can still use it");
    }

    [Test]
    public void A_bad_bundle_changes_nothing_and_says_why_until_a_good_one_is_there()
    {
        var files = Own();
        var good = File.ReadAllText(files.Own);
        var watcher = Open(files);
        var first = watcher.Current;
        var told = 0;
        watcher.Changed += _ => told++;

        void Refused(string why)
        {
            Assert.That(watcher.Look(), Is.False);
            Assert.That(watcher.Refusal, Does.StartWith($"--tls {files.Own}").And.Contains(why));
            Assert.That(watcher.Current, Is.SameAs(first));
        }

        _certificates.Write("n1.pem", good[..(good.Length / 2)]);
        Refused("PEM blocks cannot be read");
        _certificates.Write("n1.pem", _certificates.Authority.IssueMember("n2", ["10.0.0.1"], _clock.Now));
        Refused("is the certificate of n2, but --name is n1");
        _certificates.Write("n1.pem", _certificates.Wrong(Flaw.Expired, CertificateRole.Member, "n1").BundleText);
        Refused("expired on 2030-05-31: consensusctl cert renew n1");
        File.Delete(files.Own);
        Refused("there is no such file");
        _certificates.Write("n1.pem", good);
        File.SetUnixFileMode(files.Own, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Refused("can be read by everybody");
        File.SetUnixFileMode(files.Own, UnixFileMode.UserRead);
        Assert.That((watcher.Look(), watcher.Refusal), Is.EqualTo((false, (string?)null)), "the file is the one that is in use");
        Assert.That((watcher.Current.Number, told), Is.EqualTo((1L, 0)));
    }

    [Test]
    public void What_is_refused_for_its_time_is_taken_once_that_has_come()
    {
        var watcher = Open(Own());
        _certificates.Write("n1.pem", _certificates.Wrong(Flaw.NotYetValid, CertificateRole.Member, "n1").BundleText);
        Assert.That(watcher.Look(), Is.False);
        Assert.That(watcher.Refusal, Does.Contain("is not valid before"));
        _clock.Now += TimeSpan.FromDays(2);
        Assert.That((watcher.Look(), watcher.Refusal, watcher.Current.Number), Is.EqualTo((true, (string?)null, 2L)));
    }

    [Test]
    public void Anchors_of_clients_and_a_bundle_for_members_are_read_anew_too()
    {
        using var company = CertificateAuthority.Create("company", _clock.Now);
        using var other = CertificateAuthority.Create("company", _clock.Now);
        var peer = _certificates.Write("peer.pem", _certificates.Authority.IssueMember("n1", ["a"], _clock.Now));
        var clients = _certificates.Write("clients.pem", company.CertificatePem);
        var watcher = Open(Own() with { Peer = peer, Clients = clients });
        Assert.That(ReferenceEquals(watcher.Current.Own, watcher.Current.Peer), Is.False);
        Assert.That(watcher.Current.ClientAnchors.Count, Is.EqualTo(1));

        _certificates.Write("clients.pem", company.CertificatePem + other.CertificatePem);
        Assert.That((watcher.Look(), watcher.Current.ClientAnchors.Count, watcher.Current.Number), Is.EqualTo((true, 2, 2L)));
        _certificates.Write("clients.pem", "");
        Assert.That(watcher.Look(), Is.False);
        Assert.That(watcher.Refusal, Does.StartWith($"--tls-clients {clients} holds no CA certificate"));
        _certificates.Write("clients.pem", company.CertificatePem);
        _certificates.Write("peer.pem", _certificates.Authority.IssueMember("n1", ["b"], _clock.Now));
        Assert.That((watcher.Look(), watcher.Current.Peer.Hosts[0], watcher.Refusal), Is.EqualTo((true, "b", (string?)null)));
    }

    [Test]
    [Platform("Linux")]
    public void Row_49_A_private_key_in_the_data_directory_is_refused_whichever_links_lead_there()
    {
        using var root = new TemporaryDirectory();
        var data = Path.Combine(root.Path, "data");
        var own = Own();
        Assert.That(Open(own with { DataDirectory = data }).Current.Number, Is.EqualTo(1), "it is not there yet");
        Directory.CreateDirectory(data);
        var inside = Path.Combine(data, "n1.pem");
        File.Copy(own.Own, inside);
        var link = Path.Combine(root.Path, "link.pem");
        File.CreateSymbolicLink(link, inside);
        var other = Path.Combine(root.Path, "other");
        Directory.CreateSymbolicLink(other, data);
        var outside = Path.Combine(data, "outside.pem");
        File.CreateSymbolicLink(outside, own.Own);
        foreach (var (file, directory) in new[]
        {
            (inside, data), (link, data), (inside, other), (Path.Combine(other, "n1.pem"), data), (link, other), (outside, data),
        })
        {
            string?[] refusals =
            [
                .. new[] { own with { Own = file }, own with { Peer = file } }.Select(
                    files => Assert.Throws<BundleException>(() => Open(files with { DataDirectory = directory }))!.Message),
            ];
            Assert.That(refusals, Is.EqualTo(new[] { "--tls", "--peer-tls" }.Select(
                option => $"{option} {file} lies in the data directory {directory}: a copy of that would have the key; keep it elsewhere")));
        }
        var mounted = Directory.CreateDirectory(Path.Combine(root.Path, "mounted")).FullName;
        File.CreateSymbolicLink(Path.Combine(mounted, "tls.key"), inside);
        Assert.That(
            () => Open(own with { Own = mounted, DataDirectory = data }),
            Throws.TypeOf<BundleException>().With.Message.StartsWith($"--tls {mounted}: tls.key lies in the data directory"));
        var anchors = Path.Combine(data, "clients.pem");
        File.WriteAllText(anchors, _certificates.Authority.CertificatePem);
        Assert.That(Open(own with { Clients = anchors, DataDirectory = data }).Current.Number, Is.EqualTo(1), "these are no secret");

        var watcher = Open(own with { DataDirectory = data });
        File.Delete(own.Own);
        File.CreateSymbolicLink(own.Own, inside);
        Assert.That((watcher.Look(), watcher.Current.Number), Is.EqualTo((false, 1L)));
        Assert.That(watcher.Refusal, Does.Contain("lies in the data directory"));
    }

    [Test]
    public void At_the_start_each_file_that_does_not_do_is_refused()
    {
        string RefusalOf(BundleFiles files) => Assert.Throws<BundleException>(() => Open(files))!.Message;
        var own = Own();
        using var stranger = CertificateAuthority.Create("c-2", _clock.Now);
        var peer = _certificates.Write("peer.pem", stranger.IssueMember("n1", ["a"], _clock.Now));
        Assert.That(
            RefusalOf(own with { Peer = peer }),
            Is.EqualTo($"--peer-tls {peer} is of the domain c-2, and --tls {own.Own} of c-test"));
        var second = _certificates.Member("n2");
        Assert.That(RefusalOf(own with { Peer = second }), Is.EqualTo($"--peer-tls {second} is the certificate of n2, but --name is n1"));
        Assert.That(RefusalOf(own with { Clients = second }), Does.StartWith($"--tls-clients {second} holds a private key"));
        Assert.That(
            RefusalOf(own with { AdvertisedClient = new Uri("https://db:7379") }),
            Is.EqualTo("--advertise-client https://db:7379: n1.pem is for 10.0.0.1, localhost, not for db"));
        Assert.That(Open(own with { AdvertisedClient = new Uri("https://10.0.0.1:7379") }).Current.Number, Is.EqualTo(1));
    }
}
