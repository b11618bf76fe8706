using System.Text;
using CN2.Network.Addressing;

namespace CN2.VRouter.Nft;

/// <summary>Elements by set: a transaction has one command for each set, however many elements it changes.</summary>
internal sealed class NftSections
{
    private readonly SortedDictionary<(IPFamily Family, NftSet Set), StringBuilder> _sections = [];

    public void Add(NftElement element)
    {
        var place = (element.Family, element.Set);
        if (!_sections.TryGetValue(place, out var text)) _sections.Add(place, text = new StringBuilder());
        else text.Append(",\n");
        text.Append("  ").Append(element.Key);
        if (element.Value is not null) text.Append(" : ").Append(element.Value);
    }

    public void AppendTo(StringBuilder text, string verb, string table)
    {
        foreach (var ((family, set), elements) in _sections)
        {
            text.Append(verb).Append(" element ").Append(NftRuleset.Keyword(family)).Append(' ').Append(table).Append(' ')
                .Append(NftRuleset.SetName(set)).Append(" {\n").Append(elements).Append("\n}\n");
        }
    }
}
