using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.Repositories;

namespace CN2.Api.Secrets;

/// <summary>
/// Between Data Protection, which reads and writes its keys synchronously, and the database, which <see cref="KeyRing"/> asks asynchronously. Used by one thread
/// at a time.
/// </summary>
internal sealed class KeyElements : IXmlRepository
{
    /// <summary>What Data Protection reads.</summary>
    public IReadOnlyCollection<XElement> Stored { get; set; } = [];

    /// <summary>What Data Protection has written since; null: nothing.</summary>
    public XElement? Written { get; set; }

    public IReadOnlyCollection<XElement> GetAllElements() => Stored;

    public void StoreElement(XElement element, string friendlyName) => Written = element;
}
