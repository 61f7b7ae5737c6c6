using System.Runtime.Versioning;
using Consensus.Security.Certificates;
using Consensus.Security.Issuing;

namespace Consensus.Security.Tests.Issuing;

/// <summary>Three runs put another authority in place of the present one; between any two, all believe each other.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class AuthorityChangeTests
{
    private static readonly DateTimeOffset Now = new(2030, 6, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly string[] Everybody = ["admin", "n1", "n2"];

    private TemporaryDirectory _temporary = null!;

    private string Place => _temporary.Path;

    [SetUp]
    public void MakeDirectory()
    {
        _temporary = new TemporaryDirectory();
        var plan = new CreationPlan { Directory = Place, Members = [new WantedMember("n1", ["a"]), new WantedMember("n2", ["b"])] };
        CertificateCreation.Run(plan, Now);
    }

    [TearDown]
    public void RemoveDirectory() => _temporary.Dispose();

    private string FileOf(string name) => Path.Combine(Place, name);

    private Dictionary<string, string> Contents() =>
        Directory.EnumerateFiles(Place).ToDictionary(file => Path.GetFileName(file), File.ReadAllText);

    private ChangePhase Run() => AuthorityChange.Run(Place, Now).Phase;

    private static Bundle BundleOf(Dictionary<string, string> files, string name) => Bundle.Read(files[name + ".pem"], name, name);

    private static bool Believes(Bundle who, Bundle whom) =>
        CertificateJudge.Judge(whom.Leaf, null, who.Anchors, CertificateUse.Client, Now).IsBelieved;

    /// <summary>Each of the one state with each of the other, both ways: as while files are being copied.</summary>
    private static void AllBelieveEachOther(Dictionary<string, string> one, Dictionary<string, string> other)
    {
        var these = Everybody.Select(name => (Name: name, Bundle: BundleOf(one, name))).ToList();
        var those = Everybody.Select(name => (Name: name, Bundle: BundleOf(other, name))).ToList();
        foreach (var (first, second) in from first in these from second in those select (first, second))
        {
            Assert.That(Believes(first.Bundle, second.Bundle), $"{first.Name} of the one and {second.Name} of the other");
            Assert.That(Believes(second.Bundle, first.Bundle), $"{second.Name} of the other and {first.Name} of the one");
        }
    }

    [Test]
    public void In_each_phase_those_who_have_the_new_files_and_those_who_have_the_old_believe_each_other()
    {
        var states = new List<Dictionary<string, string>> { Contents() };
        foreach (var phase in new[] { ChangePhase.NextIsBelieved, ChangePhase.NextHasSigned, ChangePhase.OldIsForgotten })
        {
            Assert.That(Run(), Is.EqualTo(phase));
            states.Add(Contents());
            AllBelieveEachOther(states[^2], states[^1]);
        }
        Assert.That(Believes(BundleOf(states[3], "n1"), BundleOf(states[0], "n2")), Is.False, "the old authority is nobody any more");
        Assert.That(Everybody.Select(name => BundleOf(states[3], name).Anchors.Count), Has.All.EqualTo(1));
        Assert.That(PemBlocks.Read(states[3]["ca.key.pem"], "ca").Count, Is.EqualTo(2), "one key and one certificate");
        Assert.That(
            Bundle.ReadAnchors(states[3]["ca.pem"], "ca").Single().Thumbprint,
            Is.EqualTo(BundleOf(states[3], "n1").Anchors.Single().Thumbprint));
        Assert.That(
            BundleOf(states[1], "n1").Leaf.Thumbprint,
            Is.EqualTo(BundleOf(states[0], "n1").Leaf.Thumbprint),
            "phase 1 adds and changes nothing");
        Assert.That(
            (BundleOf(states[3], "n2").Name, BundleOf(states[3], "n2").Hosts),
            Is.EqualTo((BundleOf(states[0], "n2").Name, BundleOf(states[0], "n2").Hosts)));
        Assert.That(Run(), Is.EqualTo(ChangePhase.NextIsBelieved), "another run begins another change");
    }

    /// <summary>A phase writes file after file: whichever of them a killed run came to, the next run ends the same phase.</summary>
    [Test]
    public void A_phase_that_was_killed_after_any_of_its_files_is_done_again()
    {
        foreach (var phase in Enum.GetValues<ChangePhase>())
        {
            var before = Contents();
            Assert.That(Run(), Is.EqualTo(phase));
            var after = Contents();
            var order = OrderOf(phase).Where(name => before[name] != after[name]).ToList();
            Assert.That(order, Is.EquivalentTo(after.Keys.Where(name => before[name] != after[name])));
            for (var written = 0; written < order.Count; written++)
            {
                Put(before);
                order.Take(written).ToList().ForEach(name => File.WriteAllText(FileOf(name), after[name]));
                Assert.That(Run(), Is.EqualTo(phase), $"killed after {written} files");
                AllBelieveEachOther(before, Contents());
                Assert.That(Contents().Keys, Is.EquivalentTo(after.Keys));
            }
            Put(after);
        }
    }

    [Test]
    public void Between_the_phases_new_and_renewed_bundles_are_of_whoever_signs_and_believe_both()
    {
        var old = Contents();
        Run();
        var first = Contents();
        CertificateCreation.Run(new CreationPlan { Directory = Place, Members = [new WantedMember("n3", ["c"])] }, Now);
        CertificateRenewal.Run(Place, ["n1"], null, Now);
        var between = Contents();
        Assert.That(
            Everybody.All(name => Believes(BundleOf(old, name), BundleOf(between, "n3"))),
            "who has not got the new anchor yet believes them");
        Assert.That(Believes(BundleOf(old, "n2"), BundleOf(between, "n1")));
        AllBelieveEachOther(first, between);

        Assert.That(Run(), Is.EqualTo(ChangePhase.NextHasSigned));
        CertificateRenewal.Run(Place, ["n1"], null, Now);
        AllBelieveEachOther(between, Contents());
        Assert.That(Run(), Is.EqualTo(ChangePhase.OldIsForgotten));
        Assert.That(Believes(BundleOf(old, "n2"), BundleOf(Contents(), "n3")), Is.False);
    }

    [Test]
    public void Words_in_a_bundle_stay_as_they_are_while_only_anchors_change()
    {
        var words = "# für n1\n"u8.ToArray();
        File.WriteAllBytes(FileOf("n1.pem"), [.. words, .. File.ReadAllBytes(FileOf("n1.pem"))]);
        Run();
        Assert.That(File.ReadAllBytes(FileOf("n1.pem"))[..words.Length], Is.EqualTo(words));
    }

    [Test]
    public void A_bundle_that_comes_back_from_before_a_phase_is_led_through_it_first()
    {
        var before = Contents();
        Run();
        File.WriteAllText(FileOf("n2.pem"), before["n2.pem"]);
        Assert.That(Run(), Is.EqualTo(ChangePhase.NextIsBelieved));
        AllBelieveEachOther(before, Contents());
        var believing = Contents();
        Run();
        File.WriteAllText(FileOf("n2.pem"), believing["n2.pem"]);
        Assert.That(Run(), Is.EqualTo(ChangePhase.NextHasSigned));
        AllBelieveEachOther(believing, Contents());
    }

    [Test]
    public void A_bundle_that_missed_the_change_forgets_the_old_authority_when_it_is_renewed()
    {
        var missed = File.ReadAllText(FileOf("n2.pem"));
        File.Delete(FileOf("n2.pem"));
        Run();
        Run();
        Run();
        File.WriteAllText(FileOf("n2.pem"), missed);
        File.SetUnixFileMode(FileOf("n2.pem"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        CertificateRenewal.Run(Place, ["n2"], null, Now);
        Assert.That(
            BundleOf(Contents(), "n2").Anchors.Single().Thumbprint,
            Is.EqualTo(BundleOf(Contents(), "n1").Anchors.Single().Thumbprint));
    }

    private static string[] OrderOf(ChangePhase phase) => phase switch
    {
        ChangePhase.NextIsBelieved => ["ca.key.pem", "admin.pem", "n1.pem", "n2.pem", "ca.pem"],
        ChangePhase.NextHasSigned => ["ca.key.pem", "admin.pem", "n1.pem", "n2.pem"],
        _ => ["admin.pem", "n1.pem", "n2.pem", "ca.pem", "ca.key.pem"],
    };

    private void Put(Dictionary<string, string> files)
    {
        foreach (var (name, text) in files)
        {
            File.WriteAllText(FileOf(name), text);
        }
    }
}
