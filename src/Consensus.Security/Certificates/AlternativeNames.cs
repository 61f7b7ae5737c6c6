using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Consensus.Security.Certificates;

/// <summary>The subject alternative names of a certificate, of the kinds that matter here.</summary>
/// <param name="Uris">Who it names, in the certificate's order.</param>
/// <param name="Hosts">DNS names and addresses, in the certificate's order.</param>
internal sealed record AlternativeNames(IReadOnlyList<string> Uris, IReadOnlyList<string> Hosts)
{
    private const string Extension = "2.5.29.17";
    private const int DnsTag = 2;
    private const int UriTag = 6;
    private const int AddressTag = 7;

    public static AlternativeNames None { get; } = new([], []);

    /// <summary>Reads them; null if they are damaged: names of which only a part can be read name nobody.</summary>
    public static AlternativeNames? Of(X509Certificate2 certificate)
    {
        var uris = new List<string>();
        var hosts = new List<string>();
        try
        {
            foreach (var extension in certificate.Extensions)
            {
                if (extension.Oid?.Value == Extension)
                {
                    Read(extension.RawData, uris, hosts);
                }
            }
        }
        catch (Exception e) when (Damage.Shows(e))
        {
            return null;
        }
        return new AlternativeNames(uris, hosts);
    }

    /// <summary>The extension that says them. Written here, for a builder of the framework changes the letters of a URI.</summary>
    public static X509Extension Encode(IEnumerable<string> uris, IEnumerable<string> hosts)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            foreach (var uri in uris)
            {
                writer.WriteCharacterString(UniversalTagNumber.IA5String, uri, Tag(UriTag));
            }
            foreach (var host in hosts)
            {
                if (IPAddress.TryParse(host, out var address))
                {
                    writer.WriteOctetString(address.GetAddressBytes(), Tag(AddressTag));
                }
                else
                {
                    writer.WriteCharacterString(UniversalTagNumber.IA5String, host, Tag(DnsTag));
                }
            }
        }
        return new X509Extension(Extension, writer.Encode(), critical: false);
    }

    private static void Read(byte[] encoded, List<string> uris, List<string> hosts)
    {
        var whole = new AsnReader(encoded, AsnEncodingRules.DER);
        var names = whole.ReadSequence();
        whole.ThrowIfNotEmpty();
        while (names.HasData)
        {
            var tag = names.PeekTag();
            switch (tag)
            {
                case { TagClass: TagClass.ContextSpecific, TagValue: UriTag }:
                    uris.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, tag));
                    break;
                case { TagClass: TagClass.ContextSpecific, TagValue: DnsTag }:
                    hosts.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, tag));
                    break;
                case { TagClass: TagClass.ContextSpecific, TagValue: AddressTag }:
                    hosts.Add(AddressOf(names.ReadOctetString(tag)));
                    break;
                default:
                    names.ReadEncodedValue();
                    break;
            }
        }
    }

    private static string AddressOf(byte[] bytes) =>
        bytes.Length is 4 or 16 ? new IPAddress(bytes).ToString() : throw new AsnContentException("An address has 4 or 16 bytes.");

    private static Asn1Tag Tag(int number) => new(TagClass.ContextSpecific, number);
}
