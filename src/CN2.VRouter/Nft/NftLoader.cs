using CN2.Network.Addressing;
using CN2.VRouter.Netlink;

namespace CN2.VRouter.Nft;

/// <summary>Puts elements into sets of a table, as many in a message and in a transaction as fit. Call <see cref="Finish"/> at the end.</summary>
/// <param name="send">Sends the batch.</param>
internal sealed class NftLoader(NftBatch batch, string table, Action send)
{
    private const int NewElements = 12; // NFT_MSG_NEWSETELEM
    private const int TableName = 1; // NFTA_SET_ELEM_LIST_TABLE
    private const int SetName = 2; // NFTA_SET_ELEM_LIST_SET
    private const int List = 3; // NFTA_SET_ELEM_LIST_ELEMENTS

    /// <summary>Of a message; the length of its list has 16 bits.</summary>
    private const int Capacity = 32 * 1024;

    private readonly Dictionary<(IPFamily Family, NftSet Set), Pending> _pending = [];

    public void Add(NftElement element)
    {
        var place = (element.Family, element.Set);
        if (!_pending.TryGetValue(place, out var pending)) _pending.Add(place, pending = new Pending(table, element.Set));
        if (pending.Length + NftEncoding.LongestElement > Capacity) Write(element.Family, pending);
        pending.Length += NftEncoding.Write(pending.Attributes.AsSpan(pending.Length), element);
    }

    public void Finish()
    {
        foreach (var (place, pending) in _pending) Write(place.Family, pending);
        if (!batch.IsEmpty) send();
    }

    private void Write(IPFamily family, Pending pending)
    {
        var elements = pending.Length - pending.ListAt - NetlinkAttributes.HeaderLength;
        if (elements == 0) return;
        NetlinkAttributes.WriteHeader(pending.Attributes.AsSpan(pending.ListAt), List | NetlinkAttributes.Nested, elements);
        if (!batch.HasRoom(pending.Length)) send();
        batch.Add(NewElements, NetlinkFlags.Create, family, pending.Attributes.AsSpan(0, pending.Length));
        pending.Length = pending.ListAt + NetlinkAttributes.HeaderLength;
    }

    /// <summary>The attributes of the next message for a set.</summary>
    private sealed class Pending
    {
        public Pending(string table, NftSet set)
        {
            var length = NetlinkAttributes.Write(Attributes, TableName, NftTables.Terminated(table));
            ListAt = length + NetlinkAttributes.Write(Attributes.AsSpan(length), SetName, NftTables.Terminated(NftRuleset.SetName(set)));
            Length = ListAt + NetlinkAttributes.HeaderLength;
        }

        public byte[] Attributes { get; } = new byte[Capacity];

        /// <summary>Where the list of elements begins.</summary>
        public int ListAt { get; }

        public int Length { get; set; }
    }
}
